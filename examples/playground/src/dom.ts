/** The element of this id, which index.html has. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as T;
}

/** Offers bytes as a file. */
export function download(name: string, bytes: BlobPart, type: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const count = (n: number) =>
  Math.abs(n) < 1e10 ? Math.round(n).toLocaleString('en-US') : exponential(n);

/** A loss with four decimals, where these say something. */
export function digits(n: number): string {
  if (!Number.isFinite(n)) return '–';
  const size = Math.abs(n);
  return size !== 0 && (size < 0.001 || size >= 1e5) ? exponential(n) : n.toFixed(4);
}

const exponential = (n: number) => (Number.isFinite(n) ? n.toExponential(2) : '–');

export function bytes(n: number): string {
  return n < 1000 ? `${n} bytes` : n < 1e6 ? `${(n / 1000).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;
}

export const seconds = (milliseconds: number) =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
