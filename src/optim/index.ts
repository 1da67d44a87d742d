export { accumulate } from './accumulate.js';
export { type ClipOptions, clip } from './clip.js';
export * from './optimizer.js';
export * as schedule from './schedule.js';
