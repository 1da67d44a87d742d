import { describe, expect, it } from 'vitest';
import {
  crossEntropy,
  f32,
  i32,
  meanSquaredError,
  nn,
  optim,
  type Tensor,
  trainStep,
} from '../../src/index.js';
import { gpt } from '../../src/models/gpt.js';
import { optimize } from '../../src/optimize/index.js';
import { planWithin } from '../../src/plan/budget.js';
import { printMemory } from '../../src/plan/print.js';
import { printSchedule } from '../../src/schedule/print.js';
import type { Program } from '../../src/train/program.js';

type Batch = { x: Tensor; y: Tensor };

/** As many layers of equal width. */
function mlp(layers: number, width = 16, rows = 128): Program {
  const hidden = Array.from({ length: layers }, () => [nn.linear(width, width), nn.tanh()]);
  return trainStep({
    model: nn.sequential(...hidden.flat(), nn.linear(width, 1)),
    batch: { x: f32(rows, width), y: f32(rows, 1) },
    loss: (model, { x, y }: Batch) => meanSquaredError(model(x), y),
    optimizer: optim.sgd(),
  }).program;
}

function transformer(): Program {
  return trainStep({
    model: gpt({ vocab: 40, context: 16, width: 32, heads: 2, layers: 3, dropout: 0.1 }),
    batch: { x: i32(4, 16), y: i32(4, 16) },
    loss: (model, { x, y }: Batch) => crossEntropy(model(x), y),
    optimizer: optim.adamW(),
  }).program;
}

/** What a program asks the planner for, once its graphs are optimized. */
function toPlan({ entries: { train }, variables }: Program) {
  return { graphs: { train: optimize(train) }, variables };
}

describe('a step within a budget of memory', () => {
  it.each([
    ['an MLP of 100 layers', () => mlp(100), 2, 1.3],
    ['an MLP of 60 layers', () => mlp(60), 3, 1.4],
    ['a GPT', transformer, 2, 1.35],
  ])(
    '%s does with an arena of a half or a third, for less than a forward pass more',
    (_, program, part, most) => {
      const wanted = toPlan(program());
      const { plan } = planWithin(wanted, undefined);
      expect(plan.remade).toBeUndefined();
      const outside = plan.end - plan.arena.bytes;
      const budget = outside + Math.floor(plan.arena.bytes / part);
      const half = planWithin(wanted, budget);
      expect(half.plan.end).toBeLessThanOrEqual(budget);
      const { share, kernels, bytes, flops } = half.plan.remade!.train;
      expect(1 + share).toBeLessThan(most);
      expect(kernels).toBe(half.schedules.train.remade!.length);
      expect(bytes).toBeGreaterThanOrEqual(plan.arena.bytes / 2 - 64);
      expect(flops).toBeGreaterThan(0);
    },
  );

  it('is as it is without one where that is enough', () => {
    const wanted = toPlan(mlp(5));
    const plain = planWithin(wanted, undefined);
    const enough = planWithin(wanted, plain.plan.end);
    expect(printMemory(enough.plan)).toBe(printMemory(plain.plan));
    expect(enough.schedules.train.remade).toBeUndefined();
  });

  it('says what it makes again from what, what that spares and what it costs', () => {
    const wanted = toPlan(mlp(20));
    const { plan } = planWithin(wanted, undefined);
    const { schedules, plan: fit } = planWithin(wanted, plan.end - plan.arena.bytes / 2);
    expect(printSchedule(schedules.train)).toMatch(
      /made again rather than kept:\n {4}tanh f32\[128,16\].*: 8192 bytes are free meanwhile; from .*\blayers\.\d+\.weight f32\[16,16\].*; \d+ flops, about .* us\n/,
    );
    expect(printMemory(fit)).toMatch(
      / \d+ in values that are not kept: \d+ kernels make them again, \d\.\d\d MFLOP, about \d+\.\d % more work\n/,
    );
  });

  it('that is too small is refused with the least that is enough, which then is, and what is largest', () => {
    const wanted = toPlan(mlp(12));
    const { plan } = planWithin(wanted, undefined);
    const refusal = (budget: number) => {
      try {
        planWithin(wanted, budget);
      } catch (error) {
        return error as Error;
      }
      throw new Error('nothing was refused');
    };
    const { name, message } = refusal(1000);
    expect(name).toBe('OptionError');
    const [, least, all] = /needs ([\d,]+) bytes .* at the least, and ([\d,]+) bytes/.exec(message)!;
    const number = (text: string) => Number(text.replaceAll(',', ''));
    expect(number(all)).toBe(plan.end);
    expect(number(least)).toBeLessThan(0.8 * plan.end);
    expect(message).toMatch(/^memory: 1,000 bytes \(1 kB\) are too few: /);
    expect(message).toMatch(
      /The largest: train: input x f32\[128,16\] \(8,192 bytes \(8\.2 kB\)\), train: inter/,
    );
    expect(planWithin(wanted, number(least)).plan.end).toBe(number(least));
    expect(refusal(0.9 * number(least)).message).toContain(`needs ${least} bytes`);
  });

  it('names variables where these alone are more', () => {
    const step = trainStep({
      model: nn.linear(300, 200),
      batch: { x: f32(2, 300), y: f32(2, 200) },
      loss: (model, { x, y }: Batch) => meanSquaredError(model(x), y),
      optimizer: optim.sgd(),
    });
    expect(() => planWithin(toPlan(step.program), 100_000)).toThrow(
      /at the least.*The largest: variable weight f32\[300,200\] \(240,000 bytes/,
    );
  });

  it('of any size has what it asks for', () => {
    const wanted = toPlan(transformer());
    const { plan } = planWithin(wanted, undefined);
    for (const part of [0.95, 0.4]) {
      const budget = plan.end - plan.arena.bytes + Math.floor(part * plan.arena.bytes);
      expect(planWithin(wanted, budget).plan.end).toBeLessThanOrEqual(budget);
    }
  });
});
