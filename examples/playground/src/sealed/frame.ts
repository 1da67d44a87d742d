// The frame in which a model's code runs, and the policies that shut it in. Read by vite.config.ts and by the page.

/**
 * All that the frame does: it makes a worker of the code that the page gives it, and a port between the two. The frame
 * has an origin of its own (`sandbox`), so no storage, cache or channel of the page's; its worker, which has a `blob:`
 * address, inherits both origin and policy, whatever headers the host sends. The worker is a classic one: Chromium does
 * not load modules as workers of such an origin.
 */
export const FRAME_SCRIPT = `addEventListener('message', ({ data, source, ports: [port, failed] }) => {
  if (source !== parent || !port) return;
  const worker = new Worker(URL.createObjectURL(new Blob([data], { type: 'text/javascript' })));
  worker.onerror = ({ message }) => failed.postMessage(message);
  worker.postMessage(0, [port]);
});`;

/** Code that the page gave or that came of it, and WebAssembly. There is no source here that is an address of a network. */
function framePolicy(hash: string): string {
  return ["default-src 'none'", `script-src ${hash} blob: 'wasm-unsafe-eval'`, 'worker-src blob:'].join('; ');
}

/** The page of the frame. */
export const framePage = (hash: string): string =>
  `<!doctype html><meta http-equiv="Content-Security-Policy" content="${framePolicy(hash)}"><script>${FRAME_SCRIPT}</script>`;

/**
 * What the page may do: load its own files and compile WebAssembly. `data:` is for the AssemblyScript compiler, which
 * unpacks itself that way; styles are what the editor adds; the hash and `blob:` are for the frame, which inherits this
 * policy and adds its own.
 */
export const pagePolicy = (hash: string): string =>
  [
    "default-src 'none'",
    `script-src 'self' 'wasm-unsafe-eval' blob: ${hash}`,
    "worker-src 'self' blob:",
    "connect-src 'self' data:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
