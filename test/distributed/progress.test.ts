import { expect, test, vi } from 'vitest';
import type { Peers } from '../../src/distributed/peers.js';
import { compileProgram } from '../../src/emit/compile.js';
import { crossEntropy, f32, i32, nn, optim, trainStep } from '../../src/index.js';
import { isLayout } from '../../src/plan/check-layout.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { platform } from '../../src/run/platform.js';
import { initialValues } from '../../src/train/initial.js';
import { NOTE, OTHERS, SUMS, shardedProgram } from '../../src/train/shards.js';
import type { StepDefinition } from '../../src/train/step.js';
import { variables } from '../train/small.js';
import { group } from './group.js';

const [ROWS, SHARDS] = [8, 2];

const step = trainStep({
  model: nn.sequential(
    nn.embedding(2000, 16),
    nn.flatten(),
    nn.linear(64, 256),
    nn.tanh(),
    nn.linear(256, 256),
    nn.tanh(),
    nn.linear(256, 300),
  ),
  batch: { x: i32(ROWS, 4), y: i32(ROWS) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.sgd(),
});
const sharded = shardedProgram(step.definition as unknown as StepDefinition, step.program, SHARDS);
const { readLibrary, spawnWorker } = await platform();
const module = await compileProgram(sharded.program, { library: await readLibrary(), threadShare: 0 });
const { layout } = module;
const inputs = {
  x: Int32Array.from({ length: (ROWS / SHARDS) * 4 }, (_, i) => (i * 131) % 2000),
  y: Int32Array.from({ length: ROWS / SHARDS }, (_, i) => i * 7),
  [NOTE]: [1],
};

test.each([1, 2])(
  'what a module of %i threads says to be there of a list is what is there at the end, and it says so early',
  async (threads) => {
    const told: { bytes: number; words: Int32Array }[] = [];
    const list = (bytes?: number) => {
      const { address, bytes: all } = layout.entries.shard.outputs[0];
      return new Int32Array(engine.memory.buffer, address, (bytes ?? all) / 4);
    };
    const engine = await CompiledEngine.start({
      ...{ wasm: module.wasm, layout, shared: true, threads, seed: 1, spawn: spawnWorker },
      initial: initialValues(step.program.variables, 1),
      reached: (bytes) => told.push({ bytes, words: list(bytes).slice() }),
    });
    // Each run begins where another batch was made.
    for (const label of [3, 250]) {
      told.length = 0;
      list().fill(-1);
      engine.load('shard', { ...inputs, y: inputs.y.map((y) => (y + label) % 300) });
      engine.repeat('shard', 1);
      const sizes = [...new Set(told.map(({ bytes }) => bytes))];
      expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
      expect(sizes.length).toBeGreaterThan(1);
      // The last layer's gradients, whose parameters are 77,100: told once they are made, and not at the end.
      expect(sizes[0]).toBe(Math.floor((4 * 77_100) / 64) * 64);
      for (const { bytes, words } of told) expect(words).toEqual(list(bytes));
    }
    await engine.close();
  },
);

test('lists that go over in several pieces are summed to the same bits for any number of processes', async () => {
  const data = {
    x: Int32Array.from({ length: 80 }, (_, i) => (i * i * 37) % 2000),
    y: Int32Array.from({ length: 20 }, (_, i) => (i * 53) % 300),
  };
  const outcome = async (distributed?: Peers) => {
    const session = await step.compile({ shards: 4, distributed });
    session.data(data);
    await session.run({ steps: 3, lr: 0.1 });
    const all = variables(session);
    await session.close();
    return all;
  };
  const alone = await outcome();
  for (const processes of [2, 4]) {
    const peers = await group(processes);
    const exchanging = vi.spyOn(peers[0], 'exchanging');
    for (const all of await Promise.all(peers.map(outcome))) expect(all).toEqual(alone);
    const channels = new Set(exchanging.mock.calls.map(([, , , { channel }]) => channel));
    // What processes tell each other before, at least two pieces of the list, and the table's rows with their numbers.
    expect(channels.size).toBeGreaterThanOrEqual(5);
  }
});

test('an update reads a list where it was made, and nothing else lies on another', () => {
  const input = (name: string) => layout.entries.update.inputs.find((buffer) => buffer.name === name)!;
  const made = layout.entries.shard.outputs[0];
  expect(input(SUMS)).toEqual(made);
  expect(isLayout(layout)).toBe(true);
  const others = input(OTHERS);
  const moved = (address: number) => {
    const update = layout.entries.update;
    const changed = update.inputs.map((buffer) => (buffer === others ? { ...buffer, address } : buffer));
    return { ...layout, entries: { ...layout.entries, update: { ...update, inputs: changed } } };
  };
  expect(isLayout(moved(others.address))).toBe(true);
  expect(isLayout(moved(made.address))).toBe(false);
});

test('of a table an update gets the rows of all shards', () => {
  const [table] = sharded.tables;
  expect(sharded.tables).toHaveLength(1);
  expect(table).toMatchObject({ count: (ROWS / SHARDS) * 4, width: 16 });
  const rows = layout.entries.update.inputs.find(({ name }) => name === table.rows)!;
  expect(rows.shape).toEqual([ROWS * 4, 16]);
});

test('names of a model that are those of our own are refused', () => {
  const model = { 'shard.sums': nn.linear(2, 2) };
  const named = trainStep({
    model,
    batch: { x: f32(4, 2) },
    loss: (model, { x }) => model['shard.sums'](x).mean(),
    optimizer: optim.sgd(),
  });
  const program = { ...named.program };
  const variables = program.variables.map((variable, i) =>
    i ? variable : { ...variable, name: 'shard.ids.0' },
  );
  expect(() =>
    shardedProgram(named.definition as unknown as StepDefinition, { ...program, variables }, 2),
  ).toThrow('shards: a variable of the model is called shard.ids.0, as one of ours: rename it');
  const column = trainStep({
    ...{ model: nn.linear(2, 2), batch: { 'shard.note': f32(4, 2) }, optimizer: optim.sgd() },
    loss: (model, batch) => model(batch['shard.note']).mean(),
  });
  expect(() => shardedProgram(column.definition as unknown as StepDefinition, column.program, 2)).toThrow(
    'shards: a part of the batch is called shard.note, as one of ours: rename it',
  );
});
