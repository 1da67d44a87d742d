// Everything that compiled models draw from, as one module: for looking at, and for checking that it compiles.
export * from './gemm';
export * from './lanes';
export * from './math';
export * from './random';
export * from './team';
