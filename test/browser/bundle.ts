import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles a folder with an index.html as a user's build would; returns where the result lies. */
export async function bundle(folder: string, name: string): Promise<string> {
  const outDir = `${ROOT}build/browser/${name}`;
  await build({
    configFile: false,
    logLevel: 'error',
    root: `${ROOT}${folder}`,
    base: './',
    build: { outDir, emptyOutDir: true, target: 'esnext', minify: false },
    worker: { format: 'es' },
  });
  return outDir;
}
