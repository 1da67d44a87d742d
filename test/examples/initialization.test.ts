import { tellsTheTruth } from './run.js';

tellsTheTruth('initialization');
