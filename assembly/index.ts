export * from './math';
export * from './random';
