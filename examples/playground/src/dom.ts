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

/** A count in at most ten characters: from 100 million on in millions. */
export function count(n: number): string {
  const size = Math.abs(n);
  if (size < 1e8) return Math.round(n).toLocaleString('en-US');
  if (size < 1e10) return `${(n / 1e6).toLocaleString('en-US', { maximumFractionDigits: 2 })}M`;
  return exponential(n);
}

/** A loss with four decimals, where these say something. */
export function digits(n: number): string {
  const size = Math.abs(n);
  if (size !== 0 && !(size >= 0.001 && size < 1e5)) return exponential(n);
  return n.toFixed(size < 1000 ? 4 : 2);
}

const exponential = (n: number) => (Number.isFinite(n) ? n.toExponential(2) : '–');

export function bytes(n: number): string {
  return n < 1000 ? `${n} bytes` : n < 1e6 ? `${(n / 1000).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;
}

export const seconds = (milliseconds: number) =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
