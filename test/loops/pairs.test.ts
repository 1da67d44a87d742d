import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { f32, nn, optim, trainStep } from '../../src/index.js';
import { CALLED } from '../../src/loops/values.js';

// Where a kernel writes what it has read, as an update of parameters does, both of two neighbouring vectors are loaded
// before either is stored: V8 can join such to one of twice the width.

/** How the update of the bias of a layer of so many units loads and stores its vectors, in order. */
async function updateOf(units: number): Promise<string> {
  const step = trainStep({
    model: nn.linear(8, units),
    batch: { x: f32(16, 8), y: f32(16, units) },
    loss: (model, { x, y }) => model(x).sub(y).square().mean(),
    optimizer: optim.sgd(),
  });
  const text = await (await step.compileModule()).text('loops');
  const kernel = text.split(/\n(?= {2}\d)/).find((part) => /^ {2}\d+ kernel_\w*_reduce_/.test(part))!;
  const [read, written] = [/buffer(\d+) is bias /, /buffer(\d+) is sub /].map(
    (name) => name.exec(kernel)![1],
  );
  const accesses = kernel.match(new RegExp(`= \\[buffer${read} |\\[buffer${written} [^\\]]*\\] =`, 'g'))!;
  return accesses.map((access) => (access.startsWith('=') ? 'load' : 'store')).join(' ');
}

it('two neighbours in a loop are loaded before either is stored', async () => {
  expect(await updateOf(128)).toBe('load load store store load load store store');
});

it('at constant addresses each is stored before the next is loaded, so that V8 does not join them', async () => {
  expect(await updateOf(12)).toBe('load store load store load store');
  expect(await updateOf(16 + 12)).toBe(
    'load load store store load load store store load store load store load store',
  );
});

it('the functions that stay calls are known', () => {
  const folder = new URL('../../assembly/', import.meta.url);
  const called = readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const lines = readFileSync(new URL(name, folder), 'utf8').split('\n');
      return lines.flatMap((line, i) => {
        const found = /^export function (\w+)\(.*\): v128 \{/.exec(line);
        return found && lines[i - 1] !== '@inline' ? [found[1]] : [];
      });
    });
  expect(called.sort()).toEqual([...CALLED].sort());
});
