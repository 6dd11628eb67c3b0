import { createRequire } from 'node:module';
import express from 'express';
import { builders } from '../../express-cases.cjs';
import { serve } from '../../serve.cjs';

serve(builders({ express, major: 4, require: createRequire(import.meta.url) }));
