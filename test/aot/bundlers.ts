import { nodeResolve } from '@rollup/plugin-node-resolve';
// @ts-expect-error Its package.json hides its types from those who import it.
import { importMetaAssets } from '@web/rollup-plugin-import-meta-assets';
import { type RollupOptions, rollup } from 'rollup';
import webpack from 'webpack';

/** Bundles with the plugins that users of Rollup have; a warning is an error. */
export async function withRollup(input: RollupOptions['input'], dir: string): Promise<void> {
  const bundle = await rollup({
    input,
    plugins: [nodeResolve(), importMetaAssets()],
    onwarn: ({ message }) => {
      throw new Error(message);
    },
  });
  await bundle.write({ dir, format: 'es', entryFileNames: '[name].js' });
  await bundle.close();
}

/** Bundles; an error or a warning is thrown. */
export function withWebpack(options: webpack.Configuration): Promise<void> {
  return new Promise((resolve, reject) => {
    webpack({ mode: 'production', ...options }, (error, stats) => {
      const remarks = error?.message ?? stats!.toString({ all: false, errors: true, warnings: true });
      if (remarks) reject(new Error(remarks));
      else resolve();
    });
  });
}
