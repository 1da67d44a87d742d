import type { Region } from '../kernels/regions.js';
import { type Around, accessesOf, type MemoryAccess } from './accesses.js';
import { type Affine, constant, plus, rangeOf, type Unknown } from './affine.js';
import type { LoopProgram } from './program.js';

/**
 * Why a program must not find two of its nodes at one place, or null if it may: the elements of `value` are written where
 * those of `old` lie. Every access to an element of `old` has to come before the store to the element of `value` in its
 * place, whichever threads share the units of the program. That is proven from the program alone.
 */
export function clashOf(
  program: LoopProgram,
  isValue: (buffer: number) => boolean,
  isOld: (buffer: number) => boolean,
): string | null {
  const accesses = accessesOf(program);
  const stores = accesses.filter((a) => a.kind === 'store' && isValue(a.buffer));
  const others = accesses.filter((a) => isOld(a.buffer));
  for (const store of stores) {
    for (const other of others) {
      const why = clash(located(other, program), located(store, program), program.units > 1);
      if (why) return why;
    }
  }
  return null;
}

/** An access with its address from the first element of its node on. */
function located(access: MemoryAccess, { buffers }: LoopProgram): MemoryAccess {
  return { ...access, at: plus(access.at, constant(4 * buffers[access.buffer].element)) };
}

function clash(first: MemoryAccess, store: MemoryAccess, threads: boolean): string | null {
  const shared = first.around.findIndex((a, i) => a !== store.around[i]);
  const depth = shared < 0 ? first.around.length : shared;
  const around = first.around.slice(0, depth);
  const digits = digitsOf(first, store);
  const loops = around.flatMap(({ index }) => (index && index.of.high > index.of.low ? [index] : []));
  const indices = loops.map(({ of }) => of);
  const neverMeet = (pairs: readonly Pair[]) => pairs.some((digit) => areApart(digit, []));
  if (neverMeet(digits) || neverMeet(digitsOf(inSteps(first), inSteps(store)))) return null;
  if (threads && !around.some(({ ofUnits }) => ofUnits))
    return 'one thread may read what another has written';
  // Different turns of the loops around both must touch different bytes, since nothing is known of who takes them when.
  const told = new Set(digits.flatMap((digit) => toldBy(digit, loops)));
  for (const { of } of loops) {
    if (!told.has(of) && !around.some(({ partOf, last }) => partOf === of || last?.includes(of)))
      return 'turns of a loop around may touch the same element';
  }
  if (isBefore(first.around[depth], store.around[depth])) return null;
  const alike = indices.filter((of) => first.at.terms.get(of) === store.at.terms.get(of));
  if (digits.some((digit) => areApart(digit, alike))) return null;
  return 'its elements are read after they are written';
}

/** Two addresses, or a digit of each: as what it is found by, `one` and `other`, and how many follow. */
interface Pair {
  readonly one: Affine;
  readonly other: Affine;
  readonly widths: readonly [number, number];
}

/**
 * Addresses in a system of numbers whose bases are the strides: both touch a byte only if all digits agree. A stride is a base
 * where what is added to its multiples stays below it, as the columns of a row do.
 */
function digitsOf(first: MemoryAccess, store: MemoryAccess): Pair[] {
  const strides = [first, store].flatMap(({ at }) => [...at.terms.values()].map(Math.abs));
  const digits: Pair[] = [];
  let rest: Pair = { one: first.at, other: store.at, widths: [first.bytes, store.bytes] };
  for (const base of [...new Set(strides)].sort((a, b) => b - a)) {
    const one = divided(rest.one, rest.widths[0], base);
    const other = divided(rest.other, rest.widths[1], base);
    if (!one || !other) continue;
    digits.push({ one: one.digit, other: other.digit, widths: [1, 1] });
    rest = { ...rest, one: one.rest, other: other.rest };
  }
  return [...digits, rest];
}

/** The multiples of a base in an address, and the rest, if that always is less with all its bytes. */
function divided({ terms, constant: all }: Affine, bytes: number, base: number) {
  const [multiples, others] = [true, false].map(
    (whole) => new Map([...terms].filter(([, by]) => (by % base === 0) === whole)),
  );
  const count = Math.floor((all + rangeOf({ buffer: null, terms: others, constant: 0 }).low) / base);
  const rest = { buffer: null, terms: others, constant: all - count * base };
  const { low, high } = rangeOf(rest);
  if (!(low >= 0 && high + bytes <= base)) return null;
  const scaled = new Map([...multiples].map(([of, by]) => [of, by / base]));
  return { digit: { buffer: null, terms: scaled, constant: count }, rest };
}

/** Loops of which a digit tells the turn: each moves past all that those inside of it do to the digit. */
function toldBy(
  { one, other, widths }: Pair,
  loops: readonly { readonly of: Unknown; readonly step: number }[],
): Unknown[] {
  const moves = loops.flatMap(({ of, step }) => {
    const by = one.terms.get(of) ?? 0;
    if ((other.terms.get(of) ?? 0) !== by) return [{ of, by: Number.NaN, length: 0 }];
    return by === 0 ? [] : [{ of, by: Math.abs(by) * step, length: Math.abs(by) * (of.high - of.low) }];
  });
  if (moves.some(({ by }) => Number.isNaN(by))) return [];
  const indices = moves.map(({ of }) => of);
  const [a, b] = [rangeOf(without(one, indices)), rangeOf(without(other, indices))];
  let span = Math.max(a.high + widths[0], b.high + widths[1]) - Math.min(a.low, b.low);
  const told: Unknown[] = [];
  for (const { of, by, length } of moves.sort((x, y) => x.by - y.by)) {
    if (by < span) return told;
    told.push(of);
    span += length;
  }
  return told;
}

/** Whether two addresses are never the same, in one turn of the loops with these indices. */
function areApart({ one, other, widths }: Pair, indices: readonly Unknown[]): boolean {
  const [a, b] = [rangeOf(without(one, indices)), rangeOf(without(other, indices))];
  return a.high + widths[0] <= b.low || b.high + widths[1] <= a.low;
}

function without(of: Affine, indices: readonly Unknown[]): Affine {
  return { ...of, terms: new Map([...of.terms].filter(([term]) => !indices.includes(term))) };
}

/** The stores of a program to some memory. */
export function storesTo(program: LoopProgram, isMemory: (buffer: number) => boolean): MemoryAccess[] {
  return accessesOf(program)
    .filter(({ kind, buffer }) => kind === 'store' && isMemory(buffer))
    .map((store) => inSteps(located(store, program)));
}

/** Whether stores to the memory of a region can be seen to write none of its elements. */
export function keepOff(stores: readonly MemoryAccess[], { sizes, strides, offset }: Region): boolean {
  const terms = sizes.map((size, axis): [Unknown, number] => [{ low: 0, high: size - 1 }, 4 * strides[axis]]);
  const at = { buffer: null, terms: new Map(terms.filter(([, by]) => by !== 0)), constant: 4 * offset };
  const elements: MemoryAccess = { kind: 'store', buffer: 0, at, bytes: 4, around: [] };
  let words: Set<number> | null | undefined;
  return stores.every((store) => {
    // Both are counted from one place or another: digits of the one may be clear where those of another wrap around.
    const places = [0, rangeOf(at).low, rangeOf(store.at).low].filter(Number.isFinite);
    const told = places.some((place) =>
      digitsOf(from(elements, place), from(store, place)).some((digit) => areApart(digit, [])),
    );
    if (told) return true;
    // Digits do not tell every stride: where there are few enough, the elements themselves are compared.
    if (words === undefined) words = wordsOf(elements);
    const written = words && wordsOf(store);
    return !!written && [...written].every((word) => !words!.has(word));
  });
}

/** More words than this are not told one by one. */
const MOST_WORDS = 2 ** 20;

/** Which words of four bytes an access touches, whatever its indices are; null where they are not known, or too many. */
function wordsOf({ at, bytes }: MemoryAccess): Set<number> | null {
  let found = new Set([at.constant]);
  for (const [{ low, high }, by] of at.terms) {
    if (!(found.size * (high - low + 1) <= MOST_WORDS)) return null;
    const next = new Set<number>();
    for (const from of found) for (let i = low; i <= high; i++) next.add(from + i * by);
    found = next;
  }
  const words = new Set<number>();
  for (const from of found)
    for (let byte = 0; byte < bytes; byte += 4) words.add(Math.floor((from + byte) / 4));
  return words;
}

/** The same access with its address counted from another place. */
function from(access: MemoryAccess, place: number): MemoryAccess {
  return { ...access, at: plus(access.at, constant(-place)) };
}

/** The same access, of which indices of loops count turns in place of what the loops step over. */
function inSteps(access: MemoryAccess): MemoryAccess {
  // The index of a loop over a block is one from the first block on: its turns count from there if blocks are whole turns.
  const isWhole = (step: number, { partOf, block = 0 }: Around) =>
    !partOf || (block > 0 && block % step === 0);
  const steps = new Map(
    access.around.flatMap((around) => {
      const { index } = around;
      return index && isWhole(index.step, around) ? [[index.of, index.step] as const] : [];
    }),
  );
  const terms = [...access.at.terms].map(([of, by]): [Unknown, number] => {
    const step = steps.get(of) ?? 1;
    return step === 1 ? [of, by] : [{ low: 0, high: Math.floor(of.high / step) }, by * step];
  });
  return { ...access, at: { ...access.at, terms: new Map(terms) } };
}

/** What stands in one statement is loaded before it is stored. */
function isBefore(first: Around | undefined, store: Around | undefined): boolean {
  return !first || !store || first.order <= store.order;
}
