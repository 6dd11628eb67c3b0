const express = require('express');
require('express-async-errors');
const { builders } = require('../../express-cases.cjs');
const { serve } = require('../../serve.cjs');

const { E18 } = builders({ express, major: 4, require });
serve({ E18 });
