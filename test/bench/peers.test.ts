import { expect, it } from 'vitest';
import { enterPeer, findPeers } from '../../bench/peers.js';
import { peerLines } from '../../bench/table.js';
import { product } from '../../bench/workloads.js';

const workload = product(3, 4, 5);

/** A peer that is a line of JavaScript, called with each request. */
function peer(answer: string) {
  const script = `require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const request = JSON.parse(line);
    console.log('words that are not for us');
    console.log(JSON.stringify((${answer})(request)));
  })`;
  const command = process.execPath;
  return { engine: 'pretended', version: '1', command, args: ['-e', script], models: ['product'] };
}

it('peers that are not installed are named, with what installs them', async () => {
  const found = await findPeers({ folder: '/nowhere', python: '/nowhere/python3' });
  const lines = found.flatMap((p) => peerLines(p.engine, 'missing' in p ? p : { version: p.version }));
  expect(lines).toEqual([
    'jax-js is missing: npm ci --prefix bench/peers installs it.',
    'tfjs is missing: npm ci --prefix bench/peers installs it.',
    'onnxruntime is missing: npm ci --prefix bench/peers installs it.',
    'torch is missing: on Debian, apt-get install python3-torch libopenblas0-pthread installs it.',
  ]);
});

it('a peer that computes what we do, from the tensors it is given, takes steps', async () => {
  const script = `
    import { serve, sumOfSquares } from ${JSON.stringify(new URL('../../bench/peers/serve.mjs', import.meta.url))};
    await serve(({ config: { m, n, k }, tensors: { a, b } }) => {
      if (String([a.shape, b.shape]) !== String([m, k, k, n])) throw new Error('other shapes');
      const c = new Float64Array(m * n);
      const multiply = () => {
        for (let i = 0; i < m * n; i++) {
          for (let p = 0; p < k; p++) c[i] += a.data[((i / n) | 0) * k + p] * b.data[p * n + (i % n)];
        }
      };
      return {
        run: (steps) => { for (let step = 0; step < steps; step++) { c.fill(0); multiply(); } },
        value: () => sumOfSquares(c),
      };
    });`;
  const args = ['--input-type=module', '-e', script];
  const entrant = await enterPeer({ ...peer(''), args }, workload);
  expect(await entrant.take(100_000)).toBeGreaterThan(1);
  await entrant.close();
});

it('a peer that computes something else is refused', async () => {
  await expect(enterPeer(peer('(r) => ({ ms: 1, value: 7 })'), workload)).rejects.toThrow(
    /^step 1 has 7 where ours has \d/,
  );
});

it('a peer that dies says why', async () => {
  const dying = peer("() => { throw new TypeError('no such backend') }");
  await expect(enterPeer(dying, workload)).rejects.toThrow('TypeError: no such backend');
});
