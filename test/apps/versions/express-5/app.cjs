const express = require('express');
const { builders } = require('../../express-cases.cjs');
const { serve } = require('../../serve.cjs');

serve(builders({ express, major: 5, require }));
