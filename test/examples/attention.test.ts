import { tellsTheTruth } from './run.js';

tellsTheTruth('attention');
