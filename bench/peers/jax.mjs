// The workloads in jax-js, on its WebAssembly backend: one jitted function makes the whole step.
import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  nn,
  numpy as np,
  tree,
  valueAndGrad,
  vjp,
} from '@jax-js/jax';
import { serve, sumOfSquares } from './serve.mjs';

await init('wasm');
defaultDevice('wasm');

const { ref } = tree;
/** Up to so many rows, a table is read fastest by a product with one-hot rows, in one jit with all the rest. */
const ONE_HOT = 1024;

/** Mean cross-entropy. logits: [batch, classes], y: [batch]. */
function crossEntropy(logits, y, classes) {
  return nn.logSoftmax(logits, -1).mul(nn.oneHot(y, classes)).sum(-1).mean().neg();
}

/** Runs a step: (state, x, y, lr) -> [loss, state]. */
function train(step, state, x, y) {
  let loss = null;
  return {
    async run(steps, lr) {
      for (let i = 0; i < steps; i++) {
        loss?.dispose();
        [loss, state] = step(state, x.ref, y.ref, np.array(lr));
        // Nothing runs before it is asked for, and what waits is copied from call to call.
        loss.ref.dataSync();
      }
      await blockUntilReady(state);
      await blockUntilReady(loss);
    },
    value: () => loss.ref.item(),
  };
}

/** The update of one parameter. */
function sgd(lr) {
  return (p, g) => p.sub(g.mul(lr.ref));
}

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
  const [beta1, beta2, eps] = [0.9, 0.999, 1e-8];
  const step = ({ p, m, v, c1, c2 }, x, y, lr) => {
    const [value, gradients] = valueAndGrad(loss)(ref(p), x, y);
    const nextM = tree.map((m, g) => m.mul(beta1).add(g.mul(1 - beta1)), m, ref(gradients));
    const nextV = tree.map((v, g) => v.mul(beta2).add(np.square(g).mul(1 - beta2)), v, gradients);
    const next1 = c1.mul(beta1).add(1 - beta1);
    const next2 = c2.mul(beta2).add(1 - beta2);
    const update = (p, m, v) => {
      const root = np.sqrt(v.div(next2.ref)).add(eps);
      return p.sub(m.div(next1.ref).div(root).mul(lr.ref));
    };
    const nextP = tree.map(update, p, ref(nextM), ref(nextV));
    return [value, { p: nextP, m: nextM, v: nextV, c1: next1, c2: next2 }];
  };
  const zeros = () => tree.map((p) => np.zeros(p.shape), parameters);
  return train(jit(step), { p: parameters, m: zeros(), v: zeros(), c1: np.array(0), c2: np.array(0) }, x, y);
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

await serve(({ config, tensors }) => {
  const arrays = Object.fromEntries(
    Object.entries(tensors).map(([name, { data, shape }]) => [name, np.array(data).reshape(shape)]),
  );
  if (config.model === 'product') return product(arrays);
  const { x, y, ...parameters } = arrays;
  return config.model === 'bengio' ? bengio(config, x, y, parameters) : mlp(config, x, y, parameters);
});
