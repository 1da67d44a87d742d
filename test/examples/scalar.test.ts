import { tellsTheTruth } from './run.js';

tellsTheTruth('scalar');
