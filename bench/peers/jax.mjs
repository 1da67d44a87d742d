// The workloads in jax-js, on its WebAssembly backend: one jitted function makes the whole step.
import { defaultDevice, init, jit, lax, nn, numpy as np, tree, valueAndGrad, vjp } from '@jax-js/jax';
import { cnn, gpt, rnn } from './jax-networks.mjs';
import { adam, crossEntropy, sgd, train } from './jax-training.mjs';
import { serve, sumOfSquares } from './serve.mjs';

await init('wasm');
defaultDevice('wasm');

const { ref } = tree;
/** Up to so many rows, a table is read fastest by a product with one-hot rows, in one jit with all the rest. */
const ONE_HOT = 1024;

function bengio({ vocab, context, embed, batch, norm, momentum = 0.1, eps = 1e-5 }, x, y, parameters) {
  const { C: table, running_mean: mean, running_var: variance, ...trained } = parameters;
  const forward = (p, rows, stats, y) => {
    const e = rows.reshape([batch, context * embed]);
    let z = np.matmul(p.W3 ? e.ref : e, p.W1);
    let next = stats;
    if (norm === 'batch') {
      const mu = z.ref.mean(0);
      const centred = z.sub(mu.ref);
      const sigma2 = np.square(centred.ref).mean(0);
      next = {
        mean: stats.mean.mul(1 - momentum).add(lax.stopGradient(mu).mul(momentum)),
        variance: stats.variance
          .mul(1 - momentum)
          .add(lax.stopGradient(sigma2.ref).mul((momentum * batch) / (batch - 1))),
      };
      z = centred
        .div(np.sqrt(sigma2.add(eps)))
        .mul(p.gain)
        .add(p.bias);
    } else z = z.add(p.b1);
    let logits = np.matmul(np.tanh(z), p.W2).add(p.b2);
    if (p.W3) logits = logits.add(np.matmul(e, p.W3));
    return [crossEntropy(logits, y, vocab), next];
  };
  const backward = valueAndGrad(forward, { argnums: [0, 1], hasAux: true });
  const whole = jit(({ table, p, stats }, x, y, lr) => {
    const lookUp = (table) => np.matmul(nn.oneHot(x.reshape([batch * context]), vocab), table);
    const [rows, transpose] = vjp(lookUp, [table.ref]);
    const [[loss, next], [gradients, flow]] = backward(ref(p), rows, stats, y);
    const [gradient] = transpose(flow);
    return [loss, { table: sgd(lr)(table, gradient), p: tree.map(sgd(lr), p, gradients), stats: next }];
  });

  // Large tables are read by index. jit takes no scatter of what it computes itself, so that is around it.
  const read = jit((table, x) => np.take(table, x, 0));
  const inner = jit((p, rows, stats, y, lr) => {
    const [[loss, next], [gradients, flow]] = backward(ref(p), rows, stats, y);
    return [loss, tree.map(sgd(lr), p, gradients), next, flow];
  });
  const update = jit((table, x, flow, lr) => {
    const [rows, transpose] = vjp((c) => np.take(c, x, 0), [table.ref]);
    rows.dispose();
    const [gradient] = transpose(flow);
    return sgd(lr)(table, gradient);
  });
  const parts = ({ table, p, stats }, x, y, lr) => {
    const rows = read(table.ref, x.ref);
    const [loss, nextP, nextStats, flow] = inner(p, rows, stats, y, lr.ref);
    return [loss, { table: update(table, x, flow, lr), p: nextP, stats: nextStats }];
  };
  const stats = norm === 'batch' ? { mean, variance } : {};
  return train(vocab <= ONE_HOT ? whole : parts, { table, p: trained, stats }, x, y);
}

function mlp({ dims, act }, x, y, parameters) {
  if (act !== 'relu') throw new Error(`this peer has no ${act}`);
  const layers = dims.length - 1;
  const loss = (p, x, y) => {
    let h = x;
    for (let i = 1; i <= layers; i++) {
      const z = np.matmul(h, p[`W${i}`]).add(p[`b${i}`]);
      h = i < layers ? nn.relu(z) : z;
    }
    return crossEntropy(h, y, dims[layers]);
  };
  return adam(loss, parameters, x, y);
}

function product({ a, b }) {
  const multiply = jit((a, b) => np.matmul(a, b));
  let c = null;
  return {
    async run(steps) {
      for (let i = 0; i < steps; i++) {
        c?.dispose();
        c = multiply(a.ref, b.ref);
        await c.blockUntilReady();
      }
    },
    value: async () => sumOfSquares(await c.ref.data()),
  };
}

const MODELS = { bengio, mlp, gpt, cnn, rnn };

await serve(({ config, tensors }) => {
  const arrays = Object.fromEntries(
    Object.entries(tensors).map(([name, { data, shape }]) => [name, np.array(data).reshape(shape)]),
  );
  if (config.model === 'product') return product(arrays);
  const { x, y, ...parameters } = arrays;
  return MODELS[config.model](config, x, y, parameters);
});
