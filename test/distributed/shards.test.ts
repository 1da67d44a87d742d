import { afterEach, expect, test } from 'vitest';
import { PeerError } from '../../src/distributed/errors.js';
import type { Peers } from '../../src/distributed/peers.js';
import {
  crossEntropy,
  i32,
  init,
  nn,
  optim,
  type Session,
  type TrainStep,
  trainStep,
} from '../../src/index.js';
import { statefulModel, variables, WORDS, wordRows } from '../train/small.js';
import { group } from './group.js';

const ROWS = 12;

/** Rows of a batch do not know of each other. */
const plain = () =>
  nn.sequential(nn.embedding(WORDS, 6), nn.flatten(), nn.linear(12, 9), nn.tanh(), nn.linear(9, 5));

function stepOf(model: nn.Module = statefulModel(), optimizer = optim.clip(optim.adamW(), { norm: 1 })) {
  return trainStep({
    name: 'shards',
    model,
    batch: { x: i32(ROWS, 2), y: i32(ROWS) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer,
  });
}

const data = wordRows(50);

const open: Session[] = [];
afterEach(async () => {
  for (const session of open.splice(0)) await session.close();
});

/** A session of each of so many processes; 0: of one that has no others. */
async function sessionsOf(
  step: TrainStep,
  shards: number,
  processes: number,
  peers?: Peers[],
): Promise<Session[]> {
  const all = processes === 0 ? [undefined] : (peers ?? (await group(processes)));
  const sessions = await Promise.all(
    all.map((distributed) => step.compile({ shards, distributed, seed: 3 })),
  );
  for (const session of sessions) session.data(data);
  open.push(...sessions);
  return sessions;
}

const runAll = (sessions: readonly Session[], steps: number) =>
  Promise.all(sessions.map((session) => session.run({ steps, lr: 0.01, every: steps })));

/** What a session holds after its steps, and their losses. */
async function outcomes(sessions: readonly Session[], steps: number) {
  const reports = await runAll(sessions, steps);
  return sessions.map((session, i) => ({
    at: session.at,
    losses: reports[i]!.losses,
    ...variables(session),
  }));
}

test.each([
  [4, [1, 2, 4]],
  [6, [1, 2, 3, 6]],
])(
  '%i shards give the same bits on one process and on any number that divides them',
  async (shards, numbers) => {
    const step = stepOf();
    const [alone] = await outcomes(await sessionsOf(step, shards, 0), 7);
    expect(alone.losses).toHaveLength(7);
    for (const processes of numbers)
      for (const outcome of await outcomes(await sessionsOf(step, shards, processes), 7))
        expect(outcome, `${processes} processes`).toEqual(alone);
  },
);

/** As near as float32 comes to float64 here. */
function close(made: ArrayLike<number>, meant: ArrayLike<number>): void {
  expect(made.length).toBe(meant.length);
  for (let i = 0; i < made.length; i++) expect(made[i]).toBeCloseTo(meant[i], 5);
}

test('where rows do not know of each other a step in shards is that of the whole batch, up to rounding', async () => {
  const [session] = await sessionsOf(stepOf(plain(), optim.sgd({ momentum: 0.9 })), 4, 0);
  const tape = stepOf(plain(), optim.sgd({ momentum: 0.9 })).interpret({ seed: 3 });
  tape.data(data);
  const run = { steps: 20, lr: 0.2, every: 20 };
  const [made, meant] = [await session.run(run), await tape.run(run)];
  close(made!.losses, meant!.losses);
  expect(meant!.loss).not.toBeCloseTo(meant!.losses[0], 1);
  for (const name of tape.names()) close(session.read(name), tape.read(name));
});

test('running means are those of all rows, and what the model counts goes on from shard to shard', async () => {
  const model = () =>
    nn.sequential(nn.embedding(WORDS, 3), nn.flatten(), nn.batchNorm1d(6), nn.dropout(0.5), nn.linear(6, 5));
  const [session] = await sessionsOf(stepOf(model(), optim.sgd()), 4, 0);
  const tape = stepOf(model(), optim.sgd()).interpret({ seed: 3 });
  tape.data(data);
  for (const each of [session, tape]) await each.run({ steps: 5, lr: 0 });
  const mean = 'layers.2.runningMean';
  close(session.read(mean), tape.read(mean));
  expect(Math.abs(session.read(mean)[0])).toBeGreaterThan(1e-3);
  expect(tape.read('layers.3.step')[0]).toBe(5);
  expect(session.read('layers.3.step')[0]).toBe(20);
});

test('a layer that a step uses twice counts twice, and draws for each shard what is its own', async () => {
  const model = () => {
    const drop = nn.dropout(0.5);
    return nn.sequential(nn.embedding(WORDS, 3), nn.flatten(), drop, nn.linear(6, 5), drop);
  };
  const [session] = await sessionsOf(stepOf(model(), optim.sgd()), 4, 0);
  const others = await sessionsOf(stepOf(model(), optim.sgd()), 4, 2);
  await Promise.all([session, ...others].map((each) => each.run({ steps: 3, lr: 0.1 })));
  expect(session.read('layers.2.step')[0]).toBe(3 * 4 * 2);
  for (const other of others) expect(variables(other)).toEqual(variables(session));
});

test('an index that leaves its table is told with the rows of its shard', async () => {
  const step = trainStep({
    model: nn.embedding(5, 3),
    batch: { x: i32(ROWS, 2), y: i32(ROWS) },
    loss: (model, { x, y }) => crossEntropy(model(x.sum(1)), y.mul(0)),
    optimizer: optim.sgd(),
  });
  const session = await step.compile({ shards: 4 });
  open.push(session);
  const x = Int32Array.from({ length: 2 * ROWS }, (_, i) => (i === 9 ? 7 : 0));
  session.data({ x, y: new Int32Array(ROWS) }, { order: 'given' });
  await expect(session.run({ steps: 1, lr: 0.1 })).rejects.toThrow(
    /index 7 at position 1 is outside of 0 to 4.*; its position is one in a shard, of the rows 3 to 5 of the batch$/,
  );
});

test('a step on a batch that is given has the bits of one that draws it', async () => {
  const step = stepOf();
  const [drawing] = await sessionsOf(step, 4, 0);
  const [given] = await sessionsOf(step, 4, 0);
  drawing.data(data, { order: 'given' });
  drawing.step({ lr: 0.01 });
  given.step({ lr: 0.01, batch: { x: data.x.subarray(0, 2 * ROWS), y: data.y.subarray(0, ROWS) } });
  expect(variables(given)).toEqual(variables(drawing));
});

test('a checkpoint of four processes goes on with two to the same bits', async () => {
  const step = stepOf();
  const whole = (await outcomes(await sessionsOf(step, 4, 0), 9))[0];
  const four = await sessionsOf(step, 4, 4);
  await runAll(four, 5);
  const checkpoint = four[0].checkpoint();
  const two = await sessionsOf(step, 4, 2);
  for (const session of two) session.restore(checkpoint);
  for (const { losses: _, ...outcome } of await outcomes(two, 4)) expect(whole).toMatchObject(outcome);
});

test('one process that is asked to end ends the run of all after the same step', async () => {
  const peers = await group(4);
  const sessions = await sessionsOf(stepOf(), 4, 4, peers);
  const asked = peers.map(() => new AbortController());
  const runs = sessions.map((session, rank) =>
    session.run({
      ...{ steps: 10_000, lr: 0.01, every: 5, signal: peers[rank].together(asked[rank].signal) },
      onProgress: ({ at }) => rank === 2 && at >= 10 && asked[2].abort(),
    }),
  );
  await Promise.all(runs);
  expect(sessions[0].at).toBeGreaterThan(9);
  expect(sessions[0].at).toBeLessThan(10_000);
  expect(sessions.map(({ at }) => at)).toEqual(Array(4).fill(sessions[0].at));
});

test.each<[string, (session: Session) => void]>([
  ['data', (session) => session.data({ ...data, y: data.y.map((y) => (y + 1) % 5) })],
  [
    'parameters, state, seed or step',
    (session) => session.write('layers.2.bias', Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0)),
  ],
])('processes refuse to train where one of them has another %s', async (what, spoil) => {
  const sessions = await sessionsOf(stepOf(), 4, 4);
  spoil(sessions[2]);
  const before = variables(sessions[0]);
  const ends = await Promise.allSettled(sessions.map((session) => session.run({ steps: 3, lr: 0.01 })));
  for (const end of ends) {
    const { reason } = end as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(PeerError);
    expect(reason.everywhere).toBe(true);
    expect(reason.message).toContain(
      `rank 2 on host host2 (process ${process.pid}) has another ${what} than rank 0 on host host0`,
    );
  }
  expect(variables(sessions[0])).toEqual(before);
});

test('processes with other models refuse to begin', async () => {
  const peers = await group(2);
  const steps = [stepOf(plain()), stepOf()];
  const ends = await Promise.allSettled(
    peers.map((distributed, i) => steps[i].compile({ shards: 2, distributed })),
  );
  for (const end of ends)
    expect(String((end as PromiseRejectedResult).reason)).toContain('has another model than');
});

test('processes whose modules were compiled otherwise refuse to train', async () => {
  const peers = await group(2);
  const without = [[], ['merge']];
  const sessions = await Promise.all(
    peers.map((distributed, i) => stepOf().compile({ shards: 2, distributed, without: without[i] })),
  );
  open.push(...sessions);
  for (const session of sessions) session.data(data);
  const ends = await Promise.allSettled(sessions.map((session) => session.run({ steps: 1, lr: 0.01 })));
  for (const end of ends)
    expect(String((end as PromiseRejectedResult).reason)).toMatch(
      /rank 1 .* has another compiled module than rank 0 .*; compile with the same options/,
    );
});

test('processes of other versions refuse to begin', async () => {
  const { loopback } = await import('./loopback.js');
  const { Peers } = await import('../../src/distributed/peers.js');
  const { inTurns } = await import('../../src/distributed/transport.js');
  const { macrotask } = await import('../../src/train/macrotask.js');
  const self = { host: 'h', pid: process.pid, place: 'here' };
  const joining = loopback(2).map((t) => inTurns(Peers.join(t, self, 1, `1.${t.rank}`), macrotask));
  for (const end of await Promise.allSettled(joining))
    expect(String((end as PromiseRejectedResult).reason)).toMatch(
      /has another version than .*install the same version/,
    );
});

test('a process that does not answer is named after the seconds that it has', async () => {
  const sessions = await sessionsOf(stepOf(), 4, 2, await group(2, 0.3));
  await runAll(sessions, 2);
  const began = performance.now();
  await expect(sessions[0].run({ steps: 1, lr: 0.01 })).rejects.toThrow(
    `rank 1 on host host1 (process ${process.pid}) has not answered for 0.3 s`,
  );
  expect(performance.now() - began).toBeLessThan(5000);
});

test('a process of this host that is gone is told from one that is slow', async () => {
  const { Peers } = await import('../../src/distributed/peers.js');
  const { inTurns } = await import('../../src/distributed/transport.js');
  const { macrotask } = await import('../../src/train/macrotask.js');
  const { loopback } = await import('./loopback.js');
  // No system gives a process so high a number.
  const pids = [process.pid, 2 ** 30];
  const peers = await Promise.all(
    loopback(2).map((t) =>
      inTurns(Peers.join(t, { host: 'h', pid: pids[t.rank], place: 'here' }, 60, '1'), macrotask),
    ),
  );
  await expect(inTurns(peers[0].exchange(1, null, new Uint8Array(4)), macrotask)).rejects.toThrow(
    `rank 1 on host h (process ${2 ** 30}) has ended`,
  );
});

test.each<[string, object, string]>([
  [
    'shards that do not divide the batch',
    { shards: 5 },
    'a batch of 12 rows cannot be cut into 5 equal shards',
  ],
  ['shards that are no number', { shards: 0.5 }, 'compile: shards: expected a whole number from 1, got 0.5'],
  ['wide vectors', { shards: 2, wide: true }, 'wide vectors are not to be had with shards'],
  ['processes that are none', { shards: 2, distributed: 4 }, 'distributed must be what mpi() gives, got 4'],
])('%s are refused', async (_, options, message) => {
  await expect(stepOf().compile(options)).rejects.toThrow(message);
});

test('a number of processes that does not divide the shards is refused, with those that do', async () => {
  const [distributed] = await group(4);
  await expect(stepOf().compile({ shards: 6, distributed })).rejects.toThrow(
    'compile: 6 shards cannot be shared equally by 4 processes: start 1, 2, 3 or 6 of them',
  );
  await expect(stepOf().compile({ distributed })).rejects.toThrow('give shards too');
  await expect(stepOf().compile({ shards: 4, distributed, relaxed: true })).rejects.toThrow('relaxed');
});

test('a model for batches of one size alone, or with state that cannot be put together, is refused with the reason', async () => {
  const rows = trainStep({
    model: nn.sequential(nn.embedding(WORDS, 6), nn.linear(6, 5)),
    batch: { x: i32(ROWS), y: i32(ROWS) },
    loss: (model, { x, y }) => crossEntropy(model(x.reshape([ROWS])), y),
    optimizer: optim.sgd(),
  });
  await expect(rows.compile({ shards: 4 })).rejects.toThrow(
    /reshape: .*; in a shard of 3 of the 12 rows of a batch/,
  );
  const doubled = nn.state([], init.ones, 'i32');
  const counting = nn.layer({ doubled }, (x) => {
    doubled.assign(doubled.mul(2));
    return x;
  });
  const odd = nn.sequential(plain(), counting);
  await expect(stepOf(odd).compile({ shards: 4 })).rejects.toThrow(
    /doubled is state of the model that is no f32, and that a step changes otherwise than by counting/,
  );
});

test('what is a matter of whole batches is refused with the way out', async () => {
  const step = trainStep({
    model: plain(),
    batch: { x: i32(ROWS, 2), y: i32(ROWS) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.sgd(),
    ...{ separate: true, keepGradients: true },
  });
  const [session] = await sessionsOf(step as TrainStep, 4, 0);
  await session.run({ steps: 1, lr: 0.1 });
  expect(() => session.backward()).toThrow(
    'backward: a step in shards has no gradients of its own: leave shards out',
  );
  expect(() => session.gradients()).toThrow('gradients: a step in shards keeps none');
  const module = await step.compileModule({ shards: 4 });
  await expect(step.start(module)).rejects.toThrow(
    'start: give shards and distributed as compileModule had them',
  );
});
