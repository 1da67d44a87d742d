import type { Digit } from '../kernels/kernel.js';
import { binary, define, min, range, sum, times } from './make.js';
import type { Expression, Statement } from './program.js';

// Places in operands that are index maps of several digits an axis.

/** Bytes from the first element of an axis to the one at an index. */
export function placeOf(digits: readonly Digit[], index: Expression): Expression {
  if (index === 0) return 0;
  const terms = digits.map(({ size, stride }, i) => {
    const inner = lengthOf(digits.slice(i + 1));
    const count = inner === 1 ? index : binary(index, '/', inner);
    return stride === 0 ? 0 : times(i === 0 ? count : binary(count, '%', size), 4 * stride);
  });
  const [first = 0, ...rest] = terms.filter((term) => term !== 0);
  return sum(first, ...rest);
}

/** A part of k whose elements lie one stride apart. */
export interface Run {
  /** Which of all it is, and the place in it where it begins. */
  readonly outer: Expression;
  readonly inside: Expression;
  /** Bytes from the operand's start to its first element. */
  readonly place: Expression;
  readonly steps: Expression;
  /** How many steps come before it. */
  readonly before: Expression;
}

/** The runs of a part of k, from `k0` on: the body for each. */
export function overRuns(
  digits: readonly Digit[],
  k0: Expression,
  k: Expression,
  body: (run: Run) => readonly Statement[],
): readonly Statement[] {
  if (digits.length < 2)
    return body({ outer: 0, inside: k0, place: placeOf(digits, k0), steps: k, before: 0 });
  const outer = digits.slice(0, -1);
  const { size, stride } = digits.at(-1)!;
  if (k0 === 0 && k === size * lengthOf(outer)) {
    const run = {
      outer: 'run',
      inside: 0,
      place: placeOf(outer, 'run'),
      steps: size,
      before: times('run', size),
    };
    return [range('run', 0, lengthOf(outer), 1, body(run))];
  }
  const run = {
    outer: binary('step', '/', size),
    inside: 'inside',
    place: sum(placeOf(outer, binary('step', '/', size)), times('inside', 4 * stride)),
    steps: 'length',
    before: binary('step', '-', k0),
  };
  return [
    define('stop', sum(k0, k), 'usize'),
    { kind: 'let', name: 'step', value: k0, type: 'usize', mutable: true },
    {
      kind: 'repeat',
      body: [
        define('inside', binary('step', '%', size)),
        define('length', min(binary(size, '-', 'inside'), binary('stop', '-', 'step'))),
        ...body(run),
        { kind: 'set', name: 'step', value: sum('step', 'length') },
      ],
      while: binary('step', '<', 'stop'),
    },
  ];
}

/** How many elements digits count. */
export function lengthOf(digits: readonly Digit[]): number {
  return digits.reduce((n, { size }) => n * size, 1);
}
