import type { Prologue } from '../kernels/kernel.js';
import { collapse } from './axes.js';
import { Scope } from './frame.js';
import { overRuns, type Run } from './index-map.js';
import { act, binary, block, define, library, range, sum, times } from './make.js';
import type { NestOptions } from './nest.js';
import type { Expression, Statement } from './program.js';
import { Values } from './values.js';

/** Levels of what is made: before all, per group of lines, per run of steps, per step or four. */
const LINES = 1;
const RUN = 2;
const STEP = 3;

/** Lines of an operand: rows of A or columns of B, four to a vector; of the last vector so many exist. */
export interface Lines {
  readonly first: Expression;
  readonly vectors: number;
  readonly lanes: number;
}

/** The place in a thread's scratch of four lines' first step, and bytes from there to their next one. */
interface Target {
  readonly to: Expression;
  readonly width: number;
}

/** How lines are made: all together, one step after the other; four of them, four steps at a time; or each by itself. */
type Way = 'across' | 'square' | 'single';

/**
 * Packs parts of an operand whose elements are made on the way. Vectors run along whichever axis more of what is read has side
 * by side, and stand in scratch step by step.
 */
export class PrologueLoops {
  private readonly steps: readonly number[];
  private readonly lines: readonly number[];
  /** Places of the innermost parts of both axes among all parts. */
  private readonly innerLine: number;
  private readonly innerStep: number;
  private readonly prefersLines: boolean;

  constructor(
    private readonly prologue: Prologue,
    private readonly which: 'a' | 'b',
    private readonly options: Pick<NestOptions, 'buffers' | 'regionOf'>,
    /** Names of the indices into the batch. */
    private readonly matrix: readonly string[],
  ) {
    const { axes, members } = prologue;
    const [row, column] = axes.slice(-2);
    [this.lines, this.steps] = which === 'a' ? [row, column] : [column, row];
    const all = axes.flat().length;
    const ends = [all - column.length - 1, all - 1];
    [this.innerLine, this.innerStep] = which === 'a' ? ends : [ends[1], ends[0]];
    const sideBySide = (axis: number) =>
      members.flatMap(({ reads }) => reads).filter(({ strides }) => strides[axis] === 1).length;
    this.prefersLines = sideBySide(this.innerLine) > sideBySide(this.innerStep);
  }

  /** Makes these lines from step `k0` on. */
  pack(
    { first, vectors, lanes }: Lines,
    [k0, k]: readonly [Expression, Expression],
    target: Target,
  ): Statement[] {
    const isOne = this.lines.length === 1;
    // A group of four lines does not begin in one part and end in another.
    const isWhole = isOne || this.lines.at(-1)! % 4 === 0;
    if (this.prefersLines && isOne) return [this.made('across', { first, vectors, lanes }, k0, k, target)];
    return Array.from({ length: vectors }, (_, v): Statement[] => {
      const exist = v === vectors - 1 ? lanes : 4;
      const at = { first: sum(first, 4 * v), vectors: 1, lanes: exist };
      const there = { ...target, to: sum(target.to, 16 * v) };
      if (this.prefersLines && isWhole) return [this.made('across', at, k0, k, there)];
      if (isWhole && exist === 4) return [this.made('square', at, k0, k, there)];
      return Array.from({ length: exist }, (_, lane) =>
        this.made('single', { ...at, first: sum(at.first, lane) }, k0, k, {
          ...there,
          to: sum(there.to, 4 * lane),
        }),
      );
    }).flat();
  }

  private made(
    way: Way,
    { first, vectors, lanes }: Lines,
    k0: Expression,
    k: Expression,
    target: Target,
  ): Statement {
    const values = this.values(way);
    const scopes = [values.scopes[0], new Scope(), new Scope()];
    values.scopes.splice(0, values.scopes.length, ...scopes);
    const lane = way === 'across' ? times(this.innerName('line'), 4) : null;
    const steps = overRuns(
      this.steps.map((size) => ({ size, stride: 0 })),
      k0,
      k,
      (run) => {
        const loops =
          way === 'across'
            ? this.across(values, { vectors, lanes }, run, target)
            : this.along(values, way === 'square' ? 4 : 1, run, target);
        return [...this.apart('step', run.outer, this.steps.slice(0, -1)), ...scopes[RUN].body, ...loops];
      },
    );
    return block(
      ...this.batch(),
      ...this.apart('line', first, this.lines),
      ...(lane ? [define('x', lane, 'usize')] : []),
      ...scopes[0].body,
      ...scopes[LINES].body,
      ...steps,
    );
  }

  /** All lines of a vector or more, a step at a time. */
  private across(
    values: Values,
    { vectors, lanes }: Pick<Lines, 'vectors' | 'lanes'>,
    { inside, steps, before }: Run,
    { to, width }: Target,
  ): Statement[] {
    const stores = inStep(values, () =>
      Array.from({ length: vectors }, (_, u): Statement => {
        const value = this.value(values, u, u === vectors - 1 ? lanes : 4);
        return { kind: 'store', to: 'to', value, offset: 16 * u };
      }),
    );
    const along = { name: 'to', from: sum(to, before === 0 ? 0 : times(before, width)), by: width };
    return [{ ...range(this.innerName('step'), inside, plus(inside, steps), 1, stores), along }];
  }

  /** So many lines, four steps at a time, then those that are left one by one. */
  private along(
    values: Values,
    lines: 4 | 1,
    { inside, steps, before }: Run,
    { to, width }: Target,
  ): Statement[] {
    const made = (lanes: number) => Array.from({ length: lines }, (_, u) => this.value(values, u, lanes));
    const four = () => {
      const [value, ...others] = made(4);
      if (others.length > 0) return [act(library('packSquare', value, ...others, 'to', width))];
      return Array.from(
        { length: 4 },
        (_, lane): Statement => ({ kind: 'storeLane', to: sum('to', lane * width), value, lane }),
      );
    };
    const one = (): Statement[] => {
      const [value, ...others] = made(1);
      if (others.length > 0) return [act(library('packStep', value, ...others, 'to'))];
      return [{ kind: 'storeLane', to: 'to', value, lane: 0 }];
    };
    const isKnown = typeof steps === 'number';
    const loop = (step: number, by: number, body: readonly Statement[]): Statement => ({
      kind: 'loop',
      index: 'x',
      from: null,
      test: step === 4 ? binary('x', '<', 'ends') : binary(sum('x', step), '<=', 'ends'),
      step,
      along: { name: 'to', from: null, by },
      body,
    });
    return [
      define('ends', bytesOf(plus(inside, steps)), 'usize'),
      { kind: 'let', name: 'x', value: bytesOf(inside), type: 'usize', mutable: true },
      {
        kind: 'let',
        name: 'to',
        value: sum(to, before === 0 ? 0 : times(before, width)),
        type: 'usize',
        mutable: true,
      },
      ...(isKnown && steps < 4 ? [] : [loop(16, 4 * width, inStep(values, four))]),
      ...(isKnown && steps % 4 === 0 ? [] : [loop(4, width, inStep(values, one))]),
    ];
  }

  private value(values: Values, u: number, lanes: number): Expression {
    const { node } = this.prologue.members.at(-1)!;
    return values.read({ source: node, offset: 0, strides: [] }, u, lanes);
  }

  private values(way: Way): Values {
    const { axes, members } = this.prologue;
    const domain = axes.flat();
    const vectorAxis = way === 'across' ? this.innerLine : this.innerStep;
    const names = this.names();
    const levelOf = (axis: number) => {
      if (axis < domain.length - this.lines.length - this.steps.length) return 0;
      const inLines = axis <= this.innerLine && axis > this.innerLine - this.lines.length;
      return inLines ? LINES : axis === this.innerStep ? STEP : RUN;
    };
    return new Values(
      {
        loops: { ...collapse([], [], []), over: (access) => access },
        levels: domain.map((_, axis) => levelOf(axis)),
        indices: domain.map((_, axis) => (axis === vectorAxis ? 'x' : names[axis])),
        vectorAxis,
        block: way === 'square' ? { rowAxis: this.innerLine, vectors: 1 } : undefined,
        members: new Map(members.map((member) => [member.node, member])),
        ...this.options,
      },
      domain,
    );
  }

  /** Names of the indices of all parts of all axes. */
  private names(): string[] {
    const { axes } = this.prologue;
    return axes.flatMap((parts, axis) => {
      const fromEnd = axes.length - axis;
      const kind = fromEnd > 2 ? `batch${axis}_` : (fromEnd === 2) === (this.which === 'a') ? 'line' : 'step';
      return parts.map((_, i) => `${kind}${i}`);
    });
  }

  private innerName(kind: 'line' | 'step'): string {
    return `${kind}${(kind === 'line' ? this.lines : this.steps).length - 1}`;
  }

  /** The indices of the parts of the batch's axes. */
  private batch(): Statement[] {
    const { axes } = this.prologue;
    return axes.slice(0, -2).flatMap((parts, axis) =>
      // Parts of k are no matrices of their own.
      parts.every((size) => size === 1) ? [] : this.apart(`batch${axis}_`, this.matrix[axis], parts),
    );
  }

  /** An index as those of its parts. */
  private apart(name: string, index: Expression, parts: readonly number[]): Statement[] {
    return parts.map((size, i) => {
      const inner = parts.slice(i + 1).reduce((n, part) => n * part, 1);
      const count = inner === 1 ? index : binary(index, '/', inner);
      return define(`${name}${i}`, i === 0 ? count : binary(count, '%', size), 'usize');
    });
  }
}

/** What is computed in one step, with what it does with that. */
function inStep(values: Values, make: () => readonly Statement[]): Statement[] {
  const scope = new Scope();
  values.scopes[STEP] = scope;
  const made = make();
  values.scopes.length = STEP;
  return [...scope.body, ...made];
}

function bytesOf(elements: Expression): Expression {
  return typeof elements === 'number' ? 4 * elements : times(elements, 4);
}

function plus(a: Expression, b: Expression): Expression {
  return typeof a === 'number' && typeof b === 'number' ? a + b : a === 0 ? b : sum(a, b);
}
