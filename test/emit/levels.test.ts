import { expect, it, vi } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import { crossEntropy, i32, nn, optim, trainStep } from '../../src/index.js';
import { readLibrary } from '../../src/run/node.js';

const step = trainStep({
  model: nn.sequential(
    nn.embedding(11, 5),
    nn.flatten(),
    nn.linear(15, 9),
    nn.layerNorm(9),
    nn.gelu(),
    nn.dropout(0.2),
    nn.linear(9, 11),
  ),
  batch: { x: i32(7, 3), y: i32(7) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.adamW(),
});
const data = {
  x: Int32Array.from({ length: 60 }, (_, i) => (i * i * 7) % 11),
  y: Int32Array.from({ length: 20 }, (_, i) => (i * 5) % 11),
};

it('how hard asc tries changes no bit', async () => {
  const library = await readLibrary();
  const trained: Uint8Array[] = [];
  for (const level of [0, 1, 3]) {
    const module = await compileProgram(step.program, { library, level });
    await using session = await step.start(module, { threads: 2 });
    session.data(data);
    for (let i = 0; i < 8; i++) session.step({ lr: 0.01 });
    trained.push(session.checkpoint());
  }
  for (const other of trained.slice(1)) expect(other).toEqual(trained[0]);
});

it('tests compile lightly unless they say otherwise, and users get all of it', async () => {
  const { program } = step;
  const options = { library: await readLibrary(), asc: async () => new Uint8Array() };
  expect((await compileProgram(program, options)).options.level).toBe(1);
  const shipped =
    await vi.importActual<typeof import('../../src/emit/compile.js')>('../../src/emit/compile.js');
  expect((await shipped.compileProgram(program, options)).options.level).toBe(3);
});
