import { expect, test } from 'vitest';
import { f32, i32, nn, optim, trainStep } from '../../src/index.js';
import { group } from './group.js';

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
  // Linear, loss, note; and each of the eight rows that a shard of four names with its number.
  const [whole, rows] = [2 * width + 1 + 1 + 1, 8 * (1 + width)];
  expect(await sent(1)).toBe(4 * (whole + rows));
  for (const session of sessions) await session.close();
});
