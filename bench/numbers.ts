import { InvalidArgumentError } from 'commander';

// Numbers of a command line.

/** A whole number from `least`. */
export const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= least) return value;
  throw new InvalidArgumentError(`expected a whole number from ${least}`);
};

/** A number above 0, up to 10,000. */
export function amount(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1e4) return value;
  throw new InvalidArgumentError('expected a number above 0, and at most 10,000');
}
