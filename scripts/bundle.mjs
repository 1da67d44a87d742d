// Makes of dist/artifact/model.js the one file that `2headgrad compile` writes as model.js, for each --target.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const TARGETS = ['both', 'node', 'web'];

/** Where the runtime of a target lies in `dist`. @param {string} target */
export const bundlePath = (target) => `artifact/model.${target}.bundle.js`;

/** @param {string} dist */
export async function bundleRuntime(dist) {
  const { build } = await import('esbuild');
  for (const target of TARGETS) {
    const { outputFiles } = await build({
      entryPoints: [join(dist, 'artifact', 'model.js')],
      outfile: join(dist, bundlePath(target)),
      write: false,
      bundle: true,
      minify: true,
      // An error that nobody catches is printed with its line, which must not be the whole file.
      lineLimit: 200,
      format: 'esm',
      platform: 'neutral',
      target: 'es2022',
      charset: 'utf8',
      legalComments: 'none',
      define: target === 'both' ? {} : { IN_NODE: String(target === 'node') },
      banner: { js: '/* 2headgrad, MIT licence */' },
      plugins: target === 'both' ? [] : [settled],
      logLevel: 'warning',
    });
    // Minified, the comments are gone that keep bundlers from looking for Node's own modules.
    const text = (outputFiles ?? [])[0].text.replaceAll(
      'import(`',
      'import(/* @vite-ignore *//* webpackIgnore: true */`',
    );
    writeFileSync(join(dist, bundlePath(target)), text);
  }
}

/** Where it runs is known: esbuild then leaves out what is for the other place.
 * @type {import('esbuild').Plugin} */
const settled = {
  name: 'settled',
  setup(build) {
    build.onLoad({ filter: /[\\/]dist[\\/].*\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      // The global that `define` gives takes the place of the import.
      if (!/\bIN_NODE\b/.test(text)) return undefined;
      return {
        contents: text
          .replace(/(import \{[^}]*?)\bIN_NODE\b,? ?([^}]*\} from)/, '$1$2')
          .replace(/export const IN_NODE = [^;]*;/, ''),
        loader: 'js',
      };
    });
  },
};
