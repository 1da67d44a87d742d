/** Letters, digits and `. _ -`; the first is none that hides a file or looks like an option, the last no dot. */
const PLAIN = /^[A-Za-z0-9_]([A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?$/;
/** Names that Windows gives to devices, whatever ends them. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * Whether a name can only be that of a file beside the one that names it: no address, no path to elsewhere, nothing that
 * is decoded, cut or looked up first.
 */
export function isPlainName(name: unknown): name is string {
  return typeof name === 'string' && PLAIN.test(name) && !DEVICE.test(name);
}
