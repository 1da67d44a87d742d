import { fromRoots, type Graph, makeInput, makeNode, type Node } from '../../src/graph/graph.js';
import { opTable } from '../../src/ops/index.js';
import type { Attrs } from '../../src/ops/op.js';
import { mix } from '../property/data.js';

/** Neutral operands, powers of two up to both ends of float32, and numbers that products overflow or vanish with. */
const CONSTANTS = [
  ...[0, -0, 1, -1, 2, 0.5, -2, 4, 0.1, 3],
  ...[30, 40, 70, 100, 126, 127].flatMap((k) => [2 ** k, -(2 ** -k)]),
  ...[2 ** -140, 2 ** -149, 1e30, 1e-30, 3e38, Number.POSITIVE_INFINITY, Number.NaN],
];
const BINARY = ['add', 'sub', 'mul', 'mul', 'mul', 'div', 'div', 'maximum', 'minimum'];

/** A random graph of elementwise arithmetic with constants, sums and a few movements. */
export function arithmetic(seed: number): Graph {
  let at = mix(seed + 77);
  const pick = <T>(list: readonly T[]): T => {
    at = (at + 0x9e3779b9) | 0;
    return list[mix(at) % list.length];
  };
  const inputs = [[7, 3], [7, 3], [3], [7, 1]].map((shape, i) => makeInput(`x${i}`, 'input', shape, 'f32'));
  const kept = makeInput('kept', 'state', [7, 3], 'f32');
  const pool: Node[] = [...inputs, kept];
  /** One more node, if its operands go together. */
  const add = (op: string, of: readonly Node[], attrs: Attrs = {}): Node | undefined => {
    try {
      const node = makeNode(opTable().get(op)!, of, attrs);
      if (node.shape.length <= 3 && node.dtype === 'f32') pool.push(node);
      return node;
    } catch {
      return undefined;
    }
  };
  const recent = () => pick(pick([pool.slice(-3), pool]));
  for (let step = 0; step < 14; step++) {
    const x = recent();
    const number = makeNode(opTable().get('constant')!, [], {
      values: [pick(CONSTANTS)],
      shape: pick([[], [7, 3], [1]]),
      dtype: 'f32',
    });
    const pair = pick([
      [x, number],
      [number, x],
      [x, number],
      [x, x],
      [x, recent()],
    ]);
    switch (pick([0, 0, 0, 0, 0, 1, 2, 3, 4])) {
      case 0:
        add(pick(BINARY), pair);
        break;
      case 1:
        add('neg', [x]);
        break;
      case 2: {
        const test = add('less', pair);
        if (test) add('where', [test, ...pair]);
        break;
      }
      case 3:
        add('sum', [x], { axes: [pick([...x.shape.keys()])] });
        break;
      default:
        add('reshape', [x], {
          shape: x.shape.length > 1 && pick([0, 1]) ? [x.shape[0] * x.shape[1]] : [...x.shape, 1],
        });
    }
  }
  const outputs = pool.slice(-4).map((node, i) => ({ name: `y${i}`, node }));
  // At times a variable takes on its own value.
  const value = pool.slice(pick([0, 5])).find((node) => node.shape.join() === '7,3') ?? kept;
  return fromRoots({
    ...{ name: 'arithmetic', inputs: [...inputs, kept], outputs },
    updates: [{ variable: kept, value: pick([kept, value, value]) }],
  });
}
