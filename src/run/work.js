// Plain JavaScript, so that workers start as they are from source and from a build.

/**
 * What a thread does: it joins the session, says that it is ready, and works until the session ends.
 * @param {Parameters<import('./module.js').Spawn>[0]} start
 * @param {(text: string) => void} post
 */
export function work({ module, memory, index, count, scratch, lost }, post) {
  const abort = () => {
    throw new Error('the compiled module stopped itself');
  };
  const nothing = () => {};
  const env = { memory, abort, late: nothing, mark: nothing, reached: nothing };
  const { exports } = new WebAssembly.Instance(module, { env });
  const thread = /** @type {import('./module.js').Exports} */ (/** @type {unknown} */ (exports));
  thread.join(index, count, scratch);
  post('ready');
  try {
    thread.work(0);
  } catch (error) {
    // The first thread may be waiting for this one, and hears of nothing else.
    Atomics.store(new Uint32Array(memory.buffer), lost / 4, index);
    throw error;
  }
}
