/** A number so that reading it gives it back, -0 too. */
export function numberText(x: number): string {
  return Object.is(x, -0) ? '-0' : String(x);
}

/** Whether JSON has the number: not NaN, the infinities and -0. */
export function isInJson(x: number): boolean {
  return Number.isFinite(x) && !Object.is(x, -0);
}
