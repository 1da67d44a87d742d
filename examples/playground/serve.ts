// Builds the playground and serves it as a good host would: compressed, and with the headers that isolate a page.
//   npm run playground [-- --port 4173]

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { gzip } from 'node:zlib';
import sirv from 'sirv';
import { build } from 'vite';
import { HEADERS, OUT } from './vite.config.js';

const { values } = parseArgs({ options: { port: { type: 'string', default: '4173' } } });
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`--port ${values.port}: expected a whole number from 0 to 65535`);
  process.exit(2);
}

await build({ configFile: fileURLToPath(new URL('vite.config.ts', import.meta.url)) });
const files = await readdir(OUT, { recursive: true });
await Promise.all(
  files
    .filter((name) => /\.(js|css|html|txt)$/.test(name))
    .map(async (name) =>
      writeFile(join(OUT, `${name}.gz`), await promisify(gzip)(await readFile(join(OUT, name)))),
    ),
);

const site = sirv(OUT, {
  gzip: true,
  setHeaders(response) {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  },
});
const server = createServer((request, response) =>
  site(request, response, () => {
    response.statusCode = 404;
    response.end();
  }),
);
server.on('error', (error: NodeJS.ErrnoException) => {
  const taken = error.code === 'EADDRINUSE';
  console.error(taken ? `port ${port} is taken: choose another with -- --port N` : error.message);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => {
  console.log(
    `The playground: http://localhost:${(server.address() as AddressInfo).port}/  (Ctrl-C ends it)`,
  );
});
