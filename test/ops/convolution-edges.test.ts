import { expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import {
  compileFunction,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  f32,
  gradients,
  maxPool,
  type Tensor,
  tensor,
  trace,
} from '../../src/index.js';

// What is not finite in an operand meets the zeros around an image, and those between positions: the same on the tape and compiled.

const { NaN: nan, POSITIVE_INFINITY: most } = Number;
type Given = Record<string, Tensor>;

/** A convolution with its gradients for a cotangent that is given. */
const withGradients = (y: Tensor, g: Tensor, given: Given, name: string): Given => {
  const wanted = [given.x, given.w];
  const [dx, dw] = gradients(y, wanted, { cotangent: g });
  return { [`${name} y`]: y, [`${name} dx`]: dx!, [`${name} dw`]: dw! };
};

const SPOILT = {
  image: { x: 4 },
  filters: { w: 1 },
  'an inner filter': { w: 4 },
  cotangent: { g: 0 },
  'a later cotangent': { g: 5 },
} as const;

it('a number that is not finite spoils the same of a convolution, and of its gradients, on both engines', async () => {
  const [image, wide] = [
    { x: [1, 4, 3, 2], w: [3, 3, 2, 2] },
    { x: [1, 7, 2], w: [3, 1, 4] },
  ];
  const graph = trace(
    'edges',
    {
      ...{ x: f32(...image.x), w: f32(...image.w), g: f32(1, 2, 2, 2), h: f32(1, 9, 9, 2) },
      ...{
        u: f32(...wide.x),
        v: f32(...wide.w),
        k: f32(1, 7, 4),
        a: f32(1, 14, 2),
        b: f32(2, 1, 2),
        c: f32(1, 14, 2),
      },
    },
    (of) => {
      const { x, w, g, h, u, v, k, a, b, c } = of;
      return {
        ...withGradients(conv2d(x, w, { padding: 1, stride: 2 }), g, { x, w }, 'conv'),
        ...withGradients(convTranspose2d(x, w, { stride: [2, 3], padding: 0 }), h, { x, w }, 'transposed'),
        ...withGradients(conv1d(u, v, { padding: 'same', groups: 2 }), k, { x: u, w: v }, 'depthwise'),
        // Where windows stand apart nothing is multiplied with zeros.
        ...withGradients(convTranspose1d(u, b, { stride: 2, groups: 2 }), c, { x: u, w: b }, 'apart'),
        ...{ pool: maxPool(a, 3, { stride: 2, padding: 1 }) },
      };
    },
  );
  const sizes = Object.fromEntries(
    graph.inputs.map((node) => [String(node.attrs.name), node.shape.reduce((p, q) => p * q, 1)]),
  );
  const compiled = await compileFunction(graph);
  for (const [name, places] of Object.entries(SPOILT))
    for (const bad of [nan, most, -most]) {
      const inputs = Object.fromEntries(
        Object.entries(sizes).map(([key, n], j) => {
          const values = Array.from({ length: n }, (_, i) => Math.sin(i + j));
          const same = { x: 'x', u: 'x', a: 'x', w: 'w', v: 'w', b: 'w' }[key] ?? 'g';
          const at = (places as Record<string, number>)[same];
          if (at !== undefined) values[at % n] = bad;
          return [key, values];
        }),
      );
      const want = evaluateGraph(graph, inputs, {}).outputs;
      const got = compiled.call(inputs);
      const kinds = (list: ArrayLike<number>) => Array.from(list, (v) => (Number.isFinite(v) ? 0 : v));
      for (const [key, { data }] of Object.entries(want))
        expect(kinds(got[key]), `${key}: ${bad} in ${name}`).toEqual(kinds(data));
    }
  await compiled.close();
});

it('zeros around an image are multiplied: 0 times Infinity is NaN', () => {
  const w = tensor([most, 1, 1]).reshape([3, 1, 1]);
  const y = conv1d(tensor([1, 2]).reshape([1, 2, 1]), w, { padding: 1 });
  expect(Array.from((y as unknown as { data: Float32Array }).data)).toEqual([nan, most]);
});
