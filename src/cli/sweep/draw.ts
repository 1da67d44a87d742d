import { createHash } from 'node:crypto';
import { OptionError } from '../../errors.js';
import { RandomStream, STREAMS } from '../../random/philox.js';
import type { Domain, Range, Space, Value } from './space.js';

/** Settings by name, as a sweep chooses them. */
export type Configuration = Readonly<Record<string, Value>>;

/** More rows nobody reads. */
export const MOST_CONFIGURATIONS = 10_000;
/** Draws for each that is wanted, where many give what was drawn before. */
const TRIES = 100;
const DIGITS = 4;

/** All combinations, the last setting of the file changing fastest. */
export function grid(space: Space): Configuration[] {
  const lists = [...space].map(([name, domain]) => [name, pointsOf(name, domain)] as const);
  const size = lists.reduce((n, [, values]) => n * values.length, 1);
  if (size > MOST_CONFIGURATIONS)
    throw new OptionError(
      `the grid has ${size.toLocaleString('en-US')} configurations, and at most ${MOST_CONFIGURATIONS.toLocaleString('en-US')} are possible: take --strategy random`,
    );
  let made: Configuration[] = [{}];
  for (const [name, values] of lists)
    made = made.flatMap((before) => values.map((value) => ({ ...before, [name]: value })));
  return made;
}

function pointsOf(name: string, domain: Domain): readonly Value[] {
  if ('values' in domain) return domain.values;
  const { range } = domain;
  const { count } = range;
  if (count === undefined)
    throw new OptionError(
      `${name} is a range: a grid needs a list, or "count", how many points of it; or take --strategy random`,
    );
  // Of few whole numbers there may be fewer.
  return [...new Set(Array.from({ length: count }, (_, i) => pointOf(range, i / (count - 1))))];
}

/**
 * So many different configurations, drawn at random; fewer where the space has no more. Draw i of a setting depends on the
 * seed, its name and i alone: more configurations begin with the same ones, and another setting leaves these as they are.
 */
export function random(space: Space, count: number, seed: number): Configuration[] {
  const draws = [...space].map(([name, domain]) => {
    const stream = new RandomStream(seed, STREAMS.sweep + 256 * numberOf(name));
    return (i: number) => [name, chosen(domain, stream.uniform(i))] as const;
  });
  const found = new Map<string, Configuration>();
  for (let i = 0; found.size < count && i < TRIES * count; i++) {
    const entries = draws.map((draw) => draw(i));
    const key = JSON.stringify(entries);
    if (!found.has(key)) found.set(key, Object.fromEntries(entries));
  }
  return [...found.values()];
}

/** 24 bits of a name. */
const numberOf = (name: string) => createHash('sha256').update(name).digest().readUIntBE(0, 3);

/** The value at a place from 0 to 1. */
function chosen(domain: Domain, u: number): Value {
  if ('values' in domain) return domain.values[Math.floor(u * domain.values.length)];
  const { range } = domain;
  if (!range.integer) return pointOf(range, u);
  // Each whole number has a part of the way for its own.
  const { min, max, log } = range;
  return Math.min(max, Math.floor(between(min, max + 1, u, log)));
}

/** A number of few digits, since more say nothing, and are read and typed again by people. */
function pointOf({ min, max, log, integer }: Range, u: number): number {
  const x = between(min, max, u, log);
  const told = integer ? Math.round(x) : Number(x.toPrecision(DIGITS));
  return Math.min(max, Math.max(min, told));
}

const between = (min: number, max: number, u: number, log: boolean) =>
  log ? min * Math.exp(u * Math.log(max / min)) : min + u * (max - min);
