// How findings write numbers.

/** About three digits: 0.0123, 12.3, 4.56e+7. */
export function short(x: number): string {
  if (!Number.isFinite(x) || x === 0) return String(x);
  const size = Math.abs(x);
  return size < 1e-3 || size >= 1e5 ? x.toExponential(1) : String(Number(x.toPrecision(3)));
}

export const percent = (part: number): string => `${Math.round(part * 100)} %`;

/** `4, 7, 9 and 12 more`. */
export function some(items: readonly (string | number)[], most = 8): string {
  const more = items.length - most;
  return more > 0 ? `${items.slice(0, most).join(', ')} and ${more} more` : items.join(', ');
}

/** ` (model.ts:14)`, or nothing. */
export const at = (where: string): string => (where ? ` (${where})` : '');

/** `less than 1e-15`: of what is rounding, no digit means anything. */
export const lessThan = (x: number): string =>
  x === 0 ? '0' : `less than 1e${Math.floor(Math.log10(x)) + 1}`;
