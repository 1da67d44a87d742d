import { expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { compileFunction, f32, trace } from '../../src/index.js';

it('scalars that share scalars compile in time that grows with their number, not with the paths through them', async () => {
  const graph = trace('scalars', { x: f32(5) }, ({ x }) => {
    let s = x.sum();
    for (let i = 0; i < 40; i++) s = s.mul(s).add(s).mul(0.25);
    return { y: x.add(s) };
  });
  const x = [0.5, 1, -2, 0.25, 3];
  const compiled = await compileFunction(graph);
  const { y } = compiled.call({ x });
  await compiled.close();
  const want = evaluateGraph(graph, { x }, {}, 'float64').outputs.y.data;
  expect(Array.from(y).every((got, i) => Math.abs(got - want[i]) < 1e-5)).toBe(true);
}, 30_000);
