// Everything that compiled models draw from, as one module: for looking at, and for checking that it compiles.
export * from './lanes';
export * from './madd';
export * from './math';
export * from './pack';
export * from './power';
export * from './random';
export * from './rows';
export * from './team';
