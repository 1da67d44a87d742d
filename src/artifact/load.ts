import { parseJson as parseJsonText } from '../data/json.js';
import { MOST, readBody, readRegular } from '../data/read.js';
import { sha256 } from '../digest.js';
import { DataError } from '../errors.js';
import { IN_NODE } from '../host.js';

/** The bytes behind an address, a regular file on the disk or from the net, if they are not more than `most`. Errors name it. */
export async function loadBytes(url: URL, most: number = MOST.weights): Promise<Uint8Array> {
  try {
    if (url.protocol === 'file:' && IN_NODE) return await readRegular(url, most);
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
    return await readBody(response.body, most);
  } catch (error) {
    throw new DataError(
      `cannot load ${url.href}: ${(error as Error).message}; the files of a compiled model belong beside each other`,
    );
  }
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
    return parseJsonText(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new DataError(`${what} is cut short or damaged (${(error as Error).message}): copy it again`);
  }
}
