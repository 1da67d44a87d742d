import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import sirv from 'sirv';

/** May be changed while the server runs. */
export interface ServeOptions {
  /** Send the headers that give a page shared memory; by default yes. */
  isolated?: boolean;
  /** Further headers of every response, such as a content security policy. */
  headers?: Record<string, string>;
  /** Paths that are answered as if no file were there. */
  missing?: RegExp;
}

export interface Server {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  /** Paths that pages asked for, in this order. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Chromium asks for an icon by itself, at any time, even of a server that is closed: nothing that a page did. */
export const isIcon = (url: string) => url.endsWith('/favicon.ico');

/** Serves a folder as a plain static host does, on a free port of this machine. */
export async function serve(folder: string, options: ServeOptions = {}): Promise<Server> {
  const requests: string[] = [];
  const files = sirv(folder, { dev: true });
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '/';
    if (!isIcon(path)) requests.push(path);
    const { isolated = true, headers = {} } = options;
    const all = { ...(isolated ? ISOLATION_HEADERS : {}), ...headers };
    for (const [name, value] of Object.entries(all)) response.setHeader(name, value);
    const none = () => {
      response.statusCode = isIcon(path) ? 204 : 404;
      response.end();
    };
    if (options.missing?.test(path)) none();
    else files(request, response, none);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
