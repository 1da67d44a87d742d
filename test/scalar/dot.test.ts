import { Resvg } from '@resvg/resvg-js';
import { describe, expect, it } from 'vitest';
import { Value } from '../../src/index.js';
import { valueGraph } from '../../src/report/value-graph.js';
import { valueToDot } from '../../src/scalar/dot.js';

function small(): Value {
  const [a, b, c] = [new Value(2, 'a'), new Value(-3, 'b'), new Value(10, 'c')];
  const e = a.mul(b);
  e.label = 'e';
  const out = e.add(c).mul(2).tanh();
  out.backward();
  return out;
}

describe('the picture of a graph of values', () => {
  it('goes from left to right with data and gradient on each value, and derivatives on the edges', () => {
    const dot = valueToDot(small());
    expect(dot).toContain('rankdir=LR');
    expect(dot).toMatch(/<b>a<\/b>.*data 2\.0000.*grad −?\d/);
    expect(dot).toMatch(/<b>e<\/b> = a × b.*data −6\.0000/);
    expect(dot).toContain('× 2');
    expect(dot.match(/ -> /g)).toHaveLength(6);
    expect(dot).toContain('[label=" −3 "]');
  });

  it('draws every operand of x × x, and a leaf alone', () => {
    const x = new Value(3, 'x');
    expect(valueToDot(x.mul(x)).match(/v0 -> v1/g)).toHaveLength(2);
    expect(valueToDot(new Value(1))).toContain('leaf');
  });

  it('is a standalone SVG with the numbers in it, whatever the labels hold', async () => {
    const x = new Value(1e-9, '<&"x">');
    const y = x.mul(x).sub(1e7);
    y.backward();
    const svg = await valueGraph(y);
    expect(svg.startsWith('<svg')).toBe(true);
    expect(svg).toContain('&lt;&amp;');
    expect(svg).toContain('1.00e−9');
    expect(new Resvg(svg).render().width).toBeGreaterThan(100);
  });
});
