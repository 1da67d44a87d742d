import type { Elements } from '../ops/op.js';

/** The sum of f over all elements. */
export function total(data: Elements, f: (x: number) => number = (x) => x): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += f(data[i]);
  return sum;
}

export function largest(data: Elements): number {
  let most = 0;
  for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(data[i]));
  return most;
}

/** The share of elements for which f holds. */
export const share = (data: Elements, f: (x: number) => boolean): number =>
  data.length === 0 ? 0 : total(data, (x) => Number(f(x))) / data.length;

/** The standard deviation of all elements. */
export function deviation(data: Elements): number {
  const mean = total(data) / data.length;
  return Math.sqrt(total(data, (x) => (x - mean) ** 2) / data.length);
}
