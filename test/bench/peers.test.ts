import { expect, it } from 'vitest';
import type { CnnConfig, Config } from '../../bench/golden/file.js';
import { uniform } from '../../bench/golden/hash.js';
import { buildGolden, writeInitial } from '../../bench/golden/model.js';
import { enterPeer, findPeers, parametersOf } from '../../bench/peers.js';
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

const adam = { steps: 1, optim: { name: 'adam', lr: 0.01 } } as const;
const adamw = { steps: 1, optim: { name: 'adamw', lr: 0.01, weight_decay: 0.1 } } as const;
const layers: CnnConfig['layers'] = [
  ...[{ conv: 3, kernel: 3, padding: 1 }, { act: 'relu' as const }, { pool: 'max' as const, size: 2 }],
  ...[{ conv: 5, kernel: 3 }, { act: 'relu' as const }, { flatten: true as const }, { linear: 4 }],
];
const networks: Config[] = [
  { ...adamw, model: 'gpt', vocab: 7, context: 5, dim: 8, heads: 2, layers: 2, batch: 3 },
  { ...adam, model: 'cnn', image: [2, 8, 6], classes: 4, batch: 3, layers },
  {
    ...{ ...adam, model: 'rnn', cell: 'gru', vocab: 7, context: 5, embed: 4, hidden: 6, layers: 1 },
    ...{ batch: 3, loss: 'all' },
  },
];

it.concurrent('peers that are installed follow our losses on small networks of each kind', async () => {
  const found = (await findPeers()).flatMap((p) => ('missing' in p ? [] : [p]));
  for (const config of networks) {
    const able = found.filter(({ models }) => models.includes(config.model));
    const entrants = await Promise.all(able.map((p) => enterPeer(p, { name: config.model, config })));
    await Promise.all(entrants.map((entrant) => entrant.close()));
  }
}, 300_000);

it('parameters begin as the golden run does, columns of a matrix apart', () => {
  const run = buildGolden({
    ...{ ...adamw, model: 'llama', vocab: 7, context: 5, dim: 8, heads: 4, kv_heads: 2 },
    ...{ layers: 1, ffn: 12, batch: 2 },
  });
  const session = run.step.interpret();
  writeInitial(run, session);
  const found = new Map(parametersOf(run, session).map(({ name, shape, data }) => [name, { shape, data }]));
  const k = 1 / Math.sqrt(8);
  expect([...found.keys()]).toEqual(Object.keys(run.names));
  expect(found.get('l0.q')).toEqual({ shape: [8, 8], data: uniform(64, k, 101) });
  expect(found.get('l0.k')).toEqual({ shape: [8, 4], data: uniform(32, k, 102) });
  expect(found.get('l0.v')).toEqual({ shape: [8, 4], data: uniform(32, k, 103) });
  expect(found.get('wte')).toEqual({ shape: [7, 8], data: uniform(56, 0.1, 20) });
  expect(found.get('nf.g')).toEqual({ shape: [8], data: new Float32Array(8).fill(1) });
});
