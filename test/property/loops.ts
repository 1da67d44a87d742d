import { add, mul, scan, sub, type Tensor } from '../../src/ops/index.js';
import { numel } from '../../src/shape.js';
import type { Builder } from './builder.js';

/** Steps of a loop, all of which are written out. */
const MOST_STEPS = 5;

/** A cell that walks along a tensor, from either end, at times with a cell inside or a running mean that it assigns to. */
function recurrent(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank > 0 && t.shape[0] > 0 && t.shape[0] <= MOST_STEPS && numel(t.shape) > 0);
  if (!x) return undefined;
  const inner = x.shape.slice(1);
  const [w, first] = [b.parameter(inner), b.n(2) ? b.input(inner) : b.parameter(inner)];
  const running = b.n(3) === 0 ? b.state(inner) : null;
  const [kind, reverse, last] = [b.n(4), b.n(2) > 0, b.n(2) > 0];
  const square = kind === 1 && inner.length === 2 ? b.parameter([inner[1], inner[1]]) : null;
  const cell = (h: Tensor, v: Tensor): Tensor => {
    if (running) running.assign(add(mul(running, 0.9), v));
    if (square) return h.matmul(square).add(v).tanh();
    switch (kind) {
      case 0:
        return add(mul(h, w), v).tanh();
      case 2:
        return scan((c: Tensor) => ({ carry: c.mul(w).add(v).sigmoid() }), { carry: h, length: 2 }).carry;
      default: {
        const gate = add(h, w).sigmoid();
        return add(mul(gate, h), mul(sub(1, gate), v));
      }
    }
  };
  const { carry, outputs } = scan(
    (h: Tensor, v: Tensor) => {
      const next = cell(h, v);
      return { carry: next, outputs: running ? next.add(mul(running, 0.5)) : next };
    },
    { carry: first, inputs: x, reverse },
  );
  const mag = kind === 3 ? Math.max(2, b.mag(x)) : 1;
  if (last) return b.sized(carry as Tensor, mag);
  return b.sized(outputs as Tensor, running ? mag + 6 + 3 * b.mag(x) : mag);
}

export const loopSteps: readonly ((b: Builder) => Tensor | undefined)[] = [recurrent];
