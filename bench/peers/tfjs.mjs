// The workloads in TensorFlow.js, on its WebAssembly backend with SIMD and one thread.
import { serve, sumOfSquares } from './serve.mjs';
import { cnn, gpt, rnn } from './tfjs-networks.mjs';
import { adam, crossEntropy, lookUp, tf, train, variables } from './tfjs-training.mjs';

function bengio({ context, embed, batch, norm, momentum = 0.1, eps = 1e-5 }, x, y, parameters) {
  const { running_mean, running_var, ...trained } = parameters;
  const p = variables(trained);
  const stats = norm === 'batch' ? [running_mean, running_var].map((s) => tf.variable(s, false)) : [];
  const ids = tf.reshape(x, [batch * context]);
  const move = (running, seen) =>
    running.assign(tf.add(tf.mul(running, 1 - momentum), tf.mul(seen, momentum)));
  const loss = () => {
    const e = tf.reshape(lookUp(p.C, ids), [batch, context * embed]);
    let z = tf.matMul(e, p.W1);
    if (norm === 'batch') {
      const mu = tf.mean(z, 0);
      const centred = tf.sub(z, mu);
      const sigma2 = tf.mean(tf.square(centred), 0);
      move(stats[0], mu);
      move(stats[1], tf.mul(sigma2, batch / (batch - 1)));
      z = tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(sigma2, eps))), p.gain), p.bias);
    } else z = tf.add(z, p.b1);
    let logits = tf.add(tf.matMul(tf.tanh(z), p.W2), p.b2);
    if (p.W3) logits = tf.add(logits, tf.matMul(e, p.W3));
    return crossEntropy(logits, y);
  };
  return train(tf.train.sgd(0), loss);
}

function mlp({ dims, act }, x, y, parameters) {
  if (act !== 'relu') throw new Error(`this peer has no ${act}`);
  const p = variables(parameters);
  const layers = dims.length - 1;
  const loss = () => {
    let h = x;
    for (let i = 1; i <= layers; i++) {
      const z = tf.add(tf.matMul(h, p[`W${i}`]), p[`b${i}`]);
      h = i < layers ? tf.relu(z) : z;
    }
    return crossEntropy(h, y);
  };
  return train(adam(), loss);
}

function product({ a, b }) {
  let c = null;
  return {
    run(steps) {
      for (let i = 0; i < steps; i++) {
        c?.dispose();
        c = tf.matMul(a, b);
      }
    },
    value: () => sumOfSquares(c.dataSync()),
  };
}

const MODELS = { bengio, mlp, gpt, cnn, rnn };

await serve(({ config, tensors }) => {
  const { x, y, ...parameters } = Object.fromEntries(
    Object.entries(tensors).map(([name, { data, shape }]) => [
      name,
      tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32'),
    ]),
  );
  if (config.model === 'product') return product(parameters);
  return MODELS[config.model](config, x, y, parameters);
});
