import { f32, meanSquaredError, nn, optim, type Session, trainStep } from '../src/index.js';

// What a call of session.step costs beyond the work in the module: a model of two parameters, whose steps take so
// little that the rest shows, by single calls and by runs that stay in the module for thousands of steps.

const STEPS = 200_000;
const ROUNDS = 15;

const definition = trainStep({
  name: 'overhead',
  model: nn.linear(1, 1),
  batch: { x: f32(1, 1), y: f32(1, 1) },
  loss: (model, { x, y }) => meanSquaredError(model(x), y),
  optimizer: optim.sgd(),
});
const rows = { x: Float32Array.of(1, -1, 0.5, 2), y: Float32Array.of(2, -2, 1, 4) };
const batch = { x: Float32Array.of(1), y: Float32Array.of(2) };

const session = await definition.compile();
session.data(rows);

const ways: Record<string, (session: Session) => Promise<void>> = {
  'run({ steps })': async (s) => {
    for await (const _ of s.run({ steps: STEPS, lr: 0.01, every: STEPS }));
  },
  'step({ lr })': async (s) => {
    for (let i = 0; i < STEPS; i++) s.step({ lr: 0.01 });
  },
  'step({ lr, batch })': async (s) => {
    for (let i = 0; i < STEPS; i++) s.step({ lr: 0.01, batch });
  },
};

const times = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, take] of Object.entries(ways)) {
    const began = performance.now();
    await take(session);
    // The first rounds warm up.
    if (round > 2) times.get(name)!.push(((performance.now() - began) * 1e6) / STEPS);
  }
}
await session.close();

const median = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)];
const [inside] = [...times.values()].map((all) => median([...all]));
console.log(`Nanoseconds a step, medians of ${ROUNDS - 3} interleaved rounds of ${STEPS} steps:`);
for (const [name, all] of times) {
  const time = median(all);
  const beyond = name.startsWith('run') ? '' : `  ${(time - inside).toFixed(0)} more than in a run`;
  console.log(`  ${name.padEnd(20)} ${time.toFixed(0).padStart(6)}  (least ${all[0].toFixed(0)})${beyond}`);
}
