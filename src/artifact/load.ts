import type * as Files from 'node:fs/promises';
import type * as Addresses from 'node:url';
import { sha256 } from '../digest.js';
import { DataError, OptionError } from '../errors.js';
import { builtin, IN_NODE } from '../host.js';

/** Where the bytes of a file may come from: they themselves, what holds them, or their address. */
export type Source = Uint8Array | ArrayBuffer | Blob | Response | URL | string;

/** Something, or the promise of it, such as what `fetch` returns. */
export type Awaitable<T> = T | PromiseLike<T>;

/** The bytes behind an address, from the disk or the net. Errors name it. */
export async function loadBytes(url: URL): Promise<Uint8Array> {
  try {
    if (url.protocol === 'file:' && IN_NODE)
      return new Uint8Array(await (await builtin<typeof Files>('fs/promises')).readFile(url));
    return await bodyOf(await fetch(url));
  } catch (error) {
    throw new DataError(
      `cannot load ${url.href}: ${(error as Error).message}; give it to start({ manifest, wasm, weights }) where it cannot be loaded, else the files of a compiled model belong beside each other`,
    );
  }
}

async function bodyOf(body: Blob | Response): Promise<Uint8Array> {
  if (body instanceof Response && !body.ok) throw new Error(`${body.status} ${body.statusText}`.trim());
  return new Uint8Array(await body.arrayBuffer());
}

const KINDS = 'bytes, a Response, a Blob or an address';

/** The bytes that a user gave as `what`, or OptionError, which names the kinds, if it is nothing that has bytes. */
export async function bytesOf(what: string, source: unknown, kinds = KINDS): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof URL) return loadBytes(source);
  // A mere word is more likely a mistake than the name of a file.
  if (typeof source === 'string' && /[./:]/.test(source)) return loadBytes(await addressOf(what, source));
  if (source instanceof Response || source instanceof Blob) {
    return bodyOf(source).catch((error) => {
      throw new DataError(`cannot load ${what}: ${error.message}`);
    });
  }
  throw new OptionError(`${what}: expected ${kinds}`);
}

/** An address as text: a URL, one that is relative to the page or its worker, or a path of a file. */
export async function addressOf(what: string, text: string | URL): Promise<URL> {
  if (text instanceof URL) return text;
  try {
    // One letter before the colon is a drive.
    if (/^[a-z][a-z\d+.-]+:/i.test(text)) return new URL(text);
    const base = globalThis.document?.baseURI ?? globalThis.location?.href;
    if (base) return new URL(text, base);
    if (IN_NODE) return (await builtin<typeof Addresses>('url')).pathToFileURL(text);
  } catch {
    // Said below.
  }
  throw new OptionError(`${what}: ${JSON.stringify(text)} is not an address here: give the bytes, or a URL`);
}

/** Throws unless these are the bytes that the manifest speaks of. */
export async function checkBytes(
  what: string,
  bytes: Uint8Array,
  expected: { readonly bytes: number; readonly sha256: string },
): Promise<void> {
  const mend = 'copy all files of the compiled model again, from one compilation';
  if (bytes.length !== expected.bytes) {
    const cut =
      bytes.length < expected.bytes ? 'is cut short or of another compilation' : 'is of another compilation';
    throw new DataError(
      `${what} ${cut}: ${bytes.length} bytes, and model.json says ${expected.bytes}; ${mend}`,
    );
  }
  // Pages that were loaded without TLS have no crypto.subtle; there the length has to do.
  if (!globalThis.crypto?.subtle) return;
  if ((await sha256(bytes)) !== expected.sha256)
    throw new DataError(`${what} does not match model.json (its hash differs): ${mend}`);
}

export function parseJson(what: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new DataError(`${what} is cut short or damaged (${(error as Error).message}): copy it again`);
  }
}
