import {
  type Affine,
  affine,
  bounds,
  constant,
  keyOf,
  plus,
  rangeOf,
  type Scope,
  type Unknown,
  unknown,
} from './affine.js';
import type { Expression, Loop, LoopProgram, Statement, TileFunction } from './program.js';
import { bodiesOf, expressionsOf, visitExpression } from './query.js';

/** A statement around an access, from the outside in; by identity the same for all accesses in it. */
export interface Around {
  /** Its place among its neighbours. */
  readonly order: number;
  /** Of a loop: its index, and how far apart that is from turn to turn. */
  readonly index?: { readonly of: Unknown; readonly step: number };
  /** The index of a loop around, of which this one is a part: all parts together take its place. */
  readonly partOf?: Unknown;
  /** How far apart its parts begin. */
  readonly block?: number;
  /** Indices of loops around of which it takes one turn alone, the last. */
  readonly last?: readonly Unknown[];
  /** Whether it is a loop over units, or what one of them does alone: no two threads take the same turn. */
  readonly ofUnits?: boolean;
}

/** A load or store of so many bytes. */
export interface MemoryAccess {
  readonly kind: 'load' | 'store';
  readonly buffer: number;
  readonly at: Affine;
  readonly bytes: number;
  readonly around: readonly Around[];
}

type Touch = readonly [at: Expression, kind: 'load' | 'store', bytes: number];

/** What functions of assembly/ do with the addresses among their arguments; others may do anything there. */
const TOUCHES: Readonly<Record<string, (args: readonly Expression[]) => readonly Touch[]>> = {
  storeLanes: ([to, , lanes]) => [[to, 'store', 4 * Number(lanes)]],
  rowIndex: ([at]) => [[at, 'load', 4]],
  loadStrided: ([from, stride, lanes]) =>
    Array.from({ length: Number(lanes) }, (_, lane) => [
      { kind: 'sum', terms: [from, lane * Number(stride)] },
      'load',
      4,
    ]),
};

const known = new WeakMap<LoopProgram, readonly MemoryAccess[]>();

/** Every access of a program to its buffers, in the order in which they stand. */
export function accessesOf(program: LoopProgram): readonly MemoryAccess[] {
  let accesses = known.get(program);
  if (!accesses) {
    const walk = new Walk(program);
    walk.all();
    accesses = walk.found;
    known.set(program, accesses);
  }
  return accesses;
}

class Walk {
  readonly found: MemoryAccess[] = [];
  private readonly functions: ReadonlyMap<string, TileFunction>;
  /** The first unit of a thread, and the end of all. */
  private readonly begin: Unknown;
  private readonly end: Affine;

  constructor(private readonly program: LoopProgram) {
    this.functions = new Map(program.functions.map((f) => [f.name, f]));
    this.begin = { low: 0, high: program.units - 1 };
    this.end = constant(program.units);
  }

  all(): void {
    const scope = new Map([
      ['begin', unknown(this.begin)],
      ['end', this.end],
    ]);
    this.statements(this.program.body, scope, []);
  }

  statements(body: readonly Statement[], outer: Scope, outside: readonly Around[]): void {
    const scope = new Map(outer);
    let around = outside;
    body.forEach((s, order) => {
      const here = [...around, { order }];
      for (const e of expressionsOf(s)) visitExpression(e, (part) => this.expression(part, scope, here));
      switch (s.kind) {
        case 'let': {
          const part = partOf(s.value, scope);
          scope.set(keyOf(s.name), part ? unknown(part.of) : affine(s.value, scope));
          // An index into a batch that is taken apart: as if each part had a loop, of which this is one turn.
          if (part) around = [...around, { order, index: { of: part.of, step: 1 }, partOf: part.whole }];
          break;
        }
        case 'set':
        case 'advance':
          moved([s], scope);
          break;
        case 'store':
          this.add('store', s.to, s.offset, 16, scope, here);
          break;
        case 'storeLane':
          this.add('store', s.to, 0, 4, scope, here);
          break;
        case 'loop':
          this.loop(s, scope, around, order);
          if (s.from === null) scope.delete(s.index);
          break;
        case 'tile': {
          const { parameters, body: inner } = this.functions.get(s.name)!;
          const given = s.args.map((arg) => affine(arg, scope));
          this.statements(inner, new Map(parameters.map((name, i) => [name, given[i]])), here);
          break;
        }
        case 'if': {
          const ofUnits = this.isLastUnit(s.test, scope);
          const within = [...around, { order, last: endsIn(s.test, scope), ofUnits }];
          for (const part of bodiesOf(s)) this.statements(part, scope, within);
          break;
        }
        default: {
          const inner = new Map(scope);
          if (s.kind === 'repeat') moved(s.body, inner);
          for (const part of bodiesOf(s)) this.statements(part, inner, here);
        }
      }
    });
  }

  private loop(s: Loop, outer: Scope, around: readonly Around[], order: number): void {
    const from = bounds(s.from ?? s.index, outer, 'max');
    const { to, least } = endOf(s, outer);
    const scope = new Map(outer);
    moved(s.body, scope);
    if (s.along) scope.set(s.along.name, plus(affine(s.along.from ?? s.along.name, outer), unknown()));
    // Where it begins at some place of the loops around, turns count from there; else from zero, whoever takes them.
    const known =
      from.length === 1 && [...from[0].terms.keys()].every((t) => around.some((a) => a.index?.of === t));
    const block = known ? blockOf(from[0], to, around) : null;
    const start = block?.start ?? (known ? from[0] : constant(Math.max(...from.map((f) => rangeOf(f).low))));
    const length = Math.min(...to.map((end) => rangeOf(plus(end, start, -1)).high)) - least;
    const high = Number.isFinite(length) ? s.step * Math.max(0, Math.floor(length / s.step)) : length;
    const of = { low: 0, high };
    scope.set(s.index, plus(start, unknown(of)));
    const ofUnits = from.some(({ terms }) => terms.has(this.begin));
    const here = { order, index: { of, step: s.step }, partOf: block?.whole, block: block?.length, ofUnits };
    this.statements(s.body, scope, [...around, here]);
  }

  /** Whether a condition is that the units of a thread end where all do: that holds for one. */
  private isLastUnit(test: Expression, scope: Scope): boolean {
    if (typeof test !== 'object' || test.kind !== 'binary' || test.op !== '==') return false;
    let ends = false;
    visitExpression(test.a, (part) => {
      ends ||= typeof part === 'string' && scope.get(part) === this.end;
    });
    return ends;
  }

  private expression(e: Expression, scope: Scope, around: readonly Around[]): void {
    if (typeof e !== 'object') return;
    if (e.kind === 'load')
      this.add('load', e.from, e.offset, e.as === 'vector' ? 4 * (e.lanes ?? 4) : 4, scope, around);
    if (e.kind !== 'library' && e.kind !== 'instruction') return;
    const touches = TOUCHES[e.name]?.(e.args);
    for (const [at, kind, bytes] of touches ?? []) this.add(kind, at, 0, bytes, scope, around);
    if (touches) return;
    for (const argument of e.args) {
      const { buffer } = affine(argument, scope);
      if (buffer === null) continue;
      // What is packed is read, somewhere.
      for (const kind of e.name.startsWith('pack') ? (['load'] as const) : (['load', 'store'] as const))
        this.found.push({ kind, buffer, at: unknown(), bytes: 4, around });
    }
  }

  private add(
    kind: 'load' | 'store',
    to: Expression,
    offset: number,
    bytes: number,
    scope: Scope,
    around: readonly Around[],
  ): void {
    const at = plus(affine(to, scope), constant(offset));
    if (at.buffer !== null) this.found.push({ kind, buffer: at.buffer, at, bytes, around });
  }
}

/** Variables that statements set are where they were before only in the first turn. */
function moved(body: readonly Statement[], scope: Map<string, Affine>): void {
  for (const s of body) {
    if (s.kind === 'advance') {
      const before = scope.get(keyOf(s.name));
      if (before) scope.set(keyOf(s.name), plus(before, unknown()));
    } else if (s.kind === 'set') scope.delete(keyOf(s.name));
    for (const inner of bodiesOf(s)) moved(inner, scope);
  }
}

/** What the index of a loop stays below, by how much at least. */
function endOf({ test }: Loop, scope: Scope): { to: Affine[]; least: number } {
  if (typeof test !== 'object' || test.kind !== 'binary') throw new Error('a loop ends at a bound');
  const to = bounds(test.b, scope, 'min');
  if (test.op === '<') return { to, least: 1 };
  // `i + 4 <= to`.
  return { to, least: typeof test.a === 'object' && test.a.kind === 'sum' ? Number(test.a.terms[1]) : 0 };
}

/**
 * A loop over a block that a loop around gives, from its index to the next one or to the end: both together are as one loop
 * over all blocks, which begins where the outer one does.
 */
function blockOf(from: Affine, to: readonly Affine[], around: readonly Around[]) {
  const [[whole, by] = [null, 0]] = [...from.terms].slice(-1);
  const outer = around.find(({ index }) => index?.of === whole)?.index;
  if (!outer || !whole) return null;
  const length = by * outer.step;
  const isNext = (end: Affine) => {
    const { low, high } = rangeOf(plus(end, from, -1));
    return low === length && high === low;
  };
  return to.some(isNext) ? { whole, start: plus(from, unknown(whole), -by), length } : null;
}

/** Loops of which a condition holds in one turn: where the end of their block is that of all, or their index a number. */
function endsIn(test: Expression, scope: Scope): Unknown[] {
  if (typeof test !== 'object' || test.kind !== 'binary' || test.op !== '==') return [];
  const ends = [...affine(test.a, scope).terms.keys()];
  if (ends.length === 1 && typeof test.b === 'number' && !ends[0].limits) return ends;
  return ends.flatMap(({ limits = [] }) => limits.flatMap((limit) => [...limit.terms.keys()]));
}

/** A part of an index that is taken apart by division. */
function partOf(value: Expression, scope: Scope): { of: Unknown; whole: Unknown } | null {
  if (typeof value !== 'object' || value.kind !== 'binary' || typeof value.b !== 'number') return null;
  if (value.op !== '%' && value.op !== '/') return null;
  const divided = typeof value.a === 'object' && value.a.kind === 'binary' ? value.a.a : value.a;
  const [whole] = affine(divided, scope).terms.keys();
  // A number is in one piece.
  if (!whole) return null;
  const high = value.op === '%' ? value.b - 1 : Math.floor(whole.high / value.b);
  return { of: { low: 0, high }, whole };
}
