import { tellsTheTruth } from './run.js';

tellsTheTruth('normalization');
