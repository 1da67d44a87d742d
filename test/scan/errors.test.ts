import { describe, expect, it } from 'vitest';
import { DTypeError, GraphError, OptionError, ShapeError, scan, tensor, trace } from '../../src/index.js';
import { f32 } from '../../src/train/step.js';

const h = tensor([1, 2]);
const xs = tensor([
  [1, 2],
  [3, 4],
  [5, 6],
]);
// biome-ignore lint/suspicious/noExplicitAny: what types would refuse as well.
type Any = any;
const keep = (carry: Any) => ({ carry });

const mistakes: [string, new (...args: never[]) => Error, RegExp, () => unknown][] = [
  [
    'a carry of another shape',
    ShapeError,
    /^scan: carry must keep its type from step to step: it is f32\[2\], the body returns f32\[1,2\] \(errors\.test\.ts:\d+\)$/,
    () => scan((c: Any) => ({ carry: c.reshape([1, 2]) }), { carry: h, inputs: xs }),
  ],
  [
    'a carry of another dtype',
    DTypeError,
    /^scan: carry\.n must keep its type .* it is i32\[\], the body returns f32\[\]/,
    () =>
      scan((c: Any) => ({ carry: { n: c.n.cast('f32').add(1) } }), {
        carry: { n: tensor(0, { dtype: 'i32' }) },
        length: 2,
      }),
  ],
  [
    'a part of the carry that is gone',
    ShapeError,
    /^scan: the body returns no carry\.c, which the carry has/,
    () => scan(({ h }: Any) => ({ carry: { h } }) as Any, { carry: { h, c: h }, inputs: xs }),
  ],
  [
    'a part of the carry that is new',
    ShapeError,
    /^scan: the body returns carry\.d, which the carry has not/,
    () => scan((c: Any) => ({ carry: { ...c, d: h } }) as Any, { carry: { h }, inputs: xs }),
  ],
  [
    'a body that returns a tensor',
    GraphError,
    /^scan: the body must return what it carries on, as in \{ carry, outputs \}, got a tensor \(errors\.test\.ts:\d+\)/,
    () => scan(((c: Any) => c) as Any, { carry: h, inputs: xs }),
  ],
  [
    'a body that returns nothing',
    GraphError,
    /^scan: the body must return what it carries on, .* got undefined/,
    () => scan((() => undefined) as Any, { carry: h, inputs: xs }),
  ],
  [
    'a body that returns a list',
    GraphError,
    /^scan: the body must return what it carries on/,
    () => scan(((c: Any) => [c, c]) as Any, { carry: h, inputs: xs }),
  ],
  [
    'an async body',
    GraphError,
    /^scan: the body must return .* got a promise: it cannot be async/,
    () => scan((async (carry: Any) => ({ carry })) as Any, { carry: h, inputs: xs }),
  ],
  [
    'output for outputs',
    OptionError,
    /^scan: what the body returns: there is no option output: it is called outputs/,
    () => scan(((carry: Any) => ({ carry, output: carry })) as Any, { carry: h, inputs: xs }),
  ],
  ['no carry', GraphError, /^scan: the first step needs a carry/, () => scan(keep, { inputs: xs } as Any)],
  [
    'a carry that is a number',
    GraphError,
    /^scan: carry\.n must be a tensor, or arrays and objects of tensors, got 0/,
    () => scan(keep as Any, { carry: { n: 0 }, length: 2 } as Any),
  ],
  [
    'inputs of different length',
    ShapeError,
    /^scan: inputs differ in their number of steps: inputs\.x has 3 \(f32\[3,2\]\), inputs\.y has 2 \(f32\[2\]\)/,
    () => scan(keep, { carry: h, inputs: { x: xs, y: h } }),
  ],
  [
    'a scalar to walk along',
    ShapeError,
    /^scan: inputs is f32\[\]: steps walk along its first axis, and it has none/,
    () => scan(keep, { carry: h, inputs: tensor(1) }),
  ],
  [
    'a negative length',
    OptionError,
    /^scan: length: expected a whole number from 0, got -1/,
    () => scan(keep, { carry: h, length: -1 }),
  ],
  [
    'half a step',
    OptionError,
    /^scan: length: expected a whole number from 0, got 1.5/,
    () => scan(keep, { carry: h, length: 1.5 }),
  ],
  [
    'another length than the inputs have',
    ShapeError,
    /^scan: length is 4, but inputs has 3 \(f32\[3,2\]\): leave length out/,
    () => scan(keep, { carry: h, inputs: xs, length: 4 }),
  ],
  [
    'no length at all',
    GraphError,
    /^scan: how many steps\? Give inputs to walk along, or a length/,
    () => scan(keep, { carry: h }),
  ],
  [
    'an option that there is not',
    OptionError,
    /^scan: there is no option xs: it is called inputs/,
    () => scan(keep, { carry: h, xs } as Any),
  ],
  [
    'options in place of the body',
    GraphError,
    /^scan: expected scan\(\(carry, input\) => /,
    () => scan({ carry: h } as Any, keep as Any),
  ],
  [
    'a tensor in place of the options',
    GraphError,
    /^scan: expected options second, as in \{ carry: h0, inputs: xs \}, got a tensor/,
    () => scan(keep, h as Any),
  ],
];

describe('scan refuses, at once and in a trace,', () => {
  it.each(mistakes)('%s', (_, Kind, message, run) => {
    const inTrace = () =>
      trace('f', { x: f32(1) }, ({ x }) => {
        run();
        return { x };
      });
    for (const refused of [run, inTrace]) {
      expect(refused).toThrow(Kind);
      expect(refused).toThrow(message);
    }
  });

  it('outputs that change from step to step, where steps can differ', () => {
    let step = 0;
    const grow = (carry: Any) => ({ carry, outputs: step++ ? [carry] : [carry, carry] });
    expect(() => scan(grow, { carry: h, inputs: xs })).toThrow(
      /^scan: the body returns no outputs\[1\], which another step has/,
    );
  });

  it('a tensor of a step outside of it', () => {
    expect(() =>
      trace('f', { x: f32(3) }, ({ x }) => {
        let kept: Any;
        scan(
          (carry, v) => {
            kept = carry.add(v);
            return { carry: kept };
          },
          { carry: tensor(0), inputs: x },
        );
        return { y: kept.mul(2) };
      }),
    ).toThrow(/^a tensor of another trace is used in f \(errors\.test\.ts:\d+\): compute it inside/);
  });
});
