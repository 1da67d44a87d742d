import { tellsTheTruth } from './run.js';

tellsTheTruth('derivatives');
