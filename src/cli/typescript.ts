import Module from 'node:module';

type Hooks = { registerHooks?: (hooks: object) => { deregister(): void } };

/** Shared with the thread of the hooks; there is one for the process. */
let active: Int32Array | undefined;

/**
 * Has Node read TypeScript until the function is called that this returns: by tsx where that is installed, which knows the
 * settings of a project, else by sucrase, which comes with this package.
 */
export async function readTypeScript(): Promise<() => Promise<void> | void> {
  const tsx = await import('tsx/esm/api').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  });
  if (tsx) return tsx.register();
  const { registerHooks } = Module as Hooks;
  if (registerHooks) {
    const { loadSync, resolveSync } = await import('./typescript-hooks.js');
    const hooks = registerHooks({ load: loadSync, resolve: resolveSync });
    return () => hooks.deregister();
  }
  if (!active) {
    active = new Int32Array(new SharedArrayBuffer(4));
    Module.register('./typescript-hooks.js', import.meta.url, { data: active });
  }
  Atomics.store(active, 0, 1);
  return () => void Atomics.store(active!, 0, 0);
}
