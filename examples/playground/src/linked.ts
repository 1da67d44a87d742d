/** Of the code in a link, as it stands there. */
const LONGEST = 2 ** 16;

/**
 * The program that a link carries behind `#code=`, base64url of UTF-8, a part of the address that no server sees. Null where there is none, or
 * nothing that could be read.
 */
export function linkedProgram(hash: string): string | null {
  const [, given] = /^#code=([\w-]+)$/.exec(hash) ?? [];
  if (given === undefined || given.length > LONGEST) return null;
  try {
    const bytes = Uint8Array.from(atob(given.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
      c.charCodeAt(0),
    );
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
