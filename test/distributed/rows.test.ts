import { expect, test } from 'vitest';
import { f32, i32, nn, optim, trainStep } from '../../src/index.js';
import { Rows } from '../../src/run/shards/rows.js';
import { group } from './group.js';

const TABLES = [
  { from: 3, rows: 4, width: 2 },
  { from: 11, rows: 3, width: 3 },
];

test('rows that are not all zeros come over as they are, with zeros of either sign, and nothing else does', () => {
  const floats = Float32Array.of(9, 9, 9, 0, 0, 1, -0, 0, 0, 0, -0, 0, 0, 0, 2, 3, 4, 0, 0, 0);
  const rows = new Rows(TABLES);
  const message = rows.pack(new Int32Array(floats.buffer)).slice();
  // Two counts, three rows by number, two of two and one of three elements.
  expect(message.length).toBe(2 + 3 + 2 * 2 + 3);
  const other = new Rows(TABLES);
  const list = new Int32Array(floats.length);
  const room = other.room(message.length);
  room.set(message);
  other.unpack(room, list);
  expect(list.subarray(3)).toEqual(new Int32Array(floats.buffer).subarray(3));
  expect(list.subarray(0, 3)).toEqual(Int32Array.of(0, 0, 0));
  other.clear(list);
  expect(list).toEqual(new Int32Array(floats.length));
});

test('of the gradient of a large table processes send the rows that a batch names', async () => {
  const [words, width] = [5000, 8];
  const step = trainStep({
    model: nn.sequential(nn.embedding(words, width), nn.flatten(), nn.linear(2 * width, 1)),
    batch: { x: i32(8, 2), y: f32(8, 1) },
    loss: (model, { x, y }) => model(x).sub(y).square().mean(),
    optimizer: optim.adam(),
  });
  const peers = await group(2);
  const sessions = await Promise.all(peers.map((distributed) => step.compile({ shards: 2, distributed })));
  const x = Int32Array.from({ length: 32 }, (_, i) => (i * 997) % words);
  for (const session of sessions) session.data({ x, y: new Float32Array(16).fill(1) });
  const sent = async (steps: number) => {
    const before = peers[0].sent;
    await Promise.all(sessions.map((session) => session.run({ steps, lr: 0.01 })));
    return peers[0].sent - before;
  };
  await sent(1);
  // Header, loss, linear; count, and each of at most eight rows with its number.
  const [whole, rows] = [4 + 1 + 2 * width + 1, 1 + 8 * (1 + width)];
  const bytes = await sent(1);
  expect(bytes).toBeGreaterThan(4 * whole);
  expect(bytes).toBeLessThanOrEqual(4 * (whole + rows));
  for (const session of sessions) await session.close();
});
