// Plain JavaScript, so that workers start as they are from source and from a build.

/**
 * What a thread does: it joins the session, says that it is ready, and works until the session ends.
 * @param {Parameters<import('./engine.js').Spawn>[0]} start
 * @param {(text: string) => void} post
 */
export function work({ module, memory, index, count, scratch }, post) {
  const abort = () => {
    throw new Error('the compiled module stopped itself');
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort, mark: () => {} } });
  const thread = /** @type {import('./engine.js').Exports} */ (/** @type {unknown} */ (exports));
  thread.join(index, count, scratch);
  post('ready');
  thread.work(0);
}
