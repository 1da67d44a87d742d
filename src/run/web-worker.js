// A thread of a compiled session in a page. Plain JavaScript, so that bundlers find it as it is.
addEventListener(
  'message',
  ({ data }) => {
    const { module, memory, index, count, scratch } = data;
    const abort = () => {
      throw new Error('the compiled module stopped itself');
    };
    const { exports } = new WebAssembly.Instance(module, { env: { memory, abort, mark: () => {} } });
    const { join, work } = /** @type {import('./engine.js').Exports} */ (/** @type {unknown} */ (exports));
    join(index, count, scratch);
    postMessage('ready');
    work(0);
    postMessage('ended');
  },
  { once: true },
);
