import { describe, expect, it } from 'vitest';
import {
  crossEntropy,
  f32,
  gelu,
  i32,
  nn,
  optim,
  relu,
  silu,
  type Tensor,
  tanh,
  trainStep,
} from '../../src/index.js';
import type { Kernel } from '../../src/kernels/kernel.js';
import { optimize } from '../../src/optimize/index.js';
import { schedule } from '../../src/schedule/schedule.js';

/** Kernels of a training step of two layers with this between them. */
function kernelsOf(between: (x: Tensor) => Tensor, norm?: nn.Module): readonly Kernel[] {
  const hidden = nn.linear(6, 40);
  const output = nn.linear(40, 9);
  const step = trainStep({
    model: { hidden, norm: norm ?? null, output },
    batch: { x: f32(16, 6), y: i32(16) },
    loss: (_, { x, y }) => {
      const z = hidden(x);
      return crossEntropy(output(between(norm ? norm(z) : z)), y);
    },
    optimizer: optim.sgd(),
  });
  return schedule(optimize(step.program.entries.train)).kernels;
}

const stored = (kernels: readonly Kernel[]) => kernels.flatMap((k) => k.stores.map((node) => node.op.name));

describe('values that are cheap to make again', () => {
  it('the derivative of a tanh is made where the cotangent is, from the tanh', () => {
    const kernels = kernelsOf(tanh);
    expect(kernels[0].name).toBe('gemm_nn_16x40x6_add_tanh');
    expect(kernels[0].stores.map((n) => n.op.name)).toEqual(['tanh']);
    expect(kernels.map((k) => k.name)).toContain('gemm_nt_16x40x9_mul_sub_mul');
  });

  it("a ReLU's mask is made from the ReLU", () => {
    const kernels = kernelsOf(relu);
    expect(stored(kernels)).not.toContain('greater');
    expect(kernels.map((k) => k.name)).toContain('gemm_nt_16x40x9_greater_where');
  });

  it('the backward part of a layer norm keeps the cotangent, and makes its products where they are summed', () => {
    const kernels = kernelsOf(tanh, nn.layerNorm(40));
    const product = kernels.find(({ name }) => name.startsWith('gemm_nt_16x40x9'))!;
    expect(product.stores).toHaveLength(1);
  });

  it('of an activation and of its slope one value each is kept', () => {
    for (const activation of [gelu, silu, (x: Tensor) => gelu(x, { approximate: 'tanh' })]) {
      const [first] = kernelsOf(activation);
      expect(first.stores).toHaveLength(2);
    }
  });

  it('what costs more than memory does is stored', () => {
    expect(stored(kernelsOf((x) => x.sin()))).toContain('cos');
    // Though what it is made of is in memory, and read there.
    const twice = kernelsOf((x) => tanh(x).sin().mul(tanh(x)));
    expect(stored(twice)).toEqual(expect.arrayContaining(['tanh', 'cos']));
  });
});

describe('kernels that merge', () => {
  it('the backward pass of batch norm is one kernel', () => {
    const kernels = kernelsOf(tanh, nn.batchNorm1d(40));
    const reductions = kernels.filter((k) => k.kind === 'nest' && k.domain.join() === '16,40');
    expect(reductions).toHaveLength(2);
  });
});
