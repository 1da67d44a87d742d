/** What the files in the folder of a run are called. */
export const CONFIG = 'config.json';
export const MODEL = 'model.safetensors';
export const BEST = 'best.safetensors';
export const WASM = 'model.wasm';
export const CURVE = 'loss.svg';
export const REPORT = 'report.html';
/** Of lr-find. */
export const PICTURE = 'lr-find.svg';
export const LOSSES = 'losses.json';
