// Networks of attention, convolution and recurrence in TensorFlow.js.
import { adam, crossEntropy, lookUp, tf, train, variables } from './tfjs-training.mjs';

/** Pre-norm, causal, learned positions; weights lie [in, out], queries, keys and values side by side. */
export function gpt({ context, dim, heads, layers, batch, optim }, x, y, parameters) {
  if (optim.name !== 'adamw') throw new Error(`this peer has no GPT trained by ${optim.name}`);
  const p = variables(parameters);
  const [tokens, width] = [batch * context, dim / heads];
  const [ids, targets] = [tf.reshape(x, [tokens]), tf.reshape(y, [tokens])];
  // 0 for what a place may see, and so low for what comes after it that its weight is 0.
  const places = tf.range(0, context);
  const mask = tf.mul(tf.cast(tf.less(tf.expandDims(places, 1), places), 'float32'), -1e9);
  const norm = (h, name) => {
    const { mean, variance } = tf.moments(h, -1, true);
    const scaled = tf.mul(tf.sub(h, mean), tf.rsqrt(tf.add(variance, 1e-5)));
    return tf.add(tf.mul(scaled, p[`${name}.g`]), p[`${name}.b`]);
  };
  const linear = (h, name) => tf.add(tf.matMul(h, p[`${name}.w`]), p[`${name}.b`]);
  const attention = (h) => {
    const apart = (part) => tf.transpose(tf.reshape(part, [batch, context, heads, width]), [0, 2, 1, 3]);
    const [q, k, v] = tf.split(h, 3, 1).map(apart);
    const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), width ** -0.5), mask);
    const seen = tf.matMul(tf.softmax(scores), v);
    return tf.reshape(tf.transpose(seen, [0, 2, 1, 3]), [tokens, dim]);
  };
  const gelu = (h) => tf.mul(tf.mul(h, 0.5), tf.add(tf.erf(tf.mul(h, Math.SQRT1_2)), 1));
  const loss = () => {
    const e = tf.reshape(lookUp(p.wte, ids), [batch, context, dim]);
    let h = tf.reshape(tf.add(e, p.wpe), [tokens, dim]);
    for (let layer = 0; layer < layers; layer++) {
      const at = `l${layer}`;
      const seen = attention(linear(norm(h, `${at}.ln1`), `${at}.qkv`));
      h = tf.add(h, linear(seen, `${at}.proj`));
      h = tf.add(h, linear(gelu(linear(norm(h, `${at}.ln2`), `${at}.fc`)), `${at}.out`));
    }
    return crossEntropy(tf.matMul(norm(h, 'lnf'), p['head.w']), targets);
  };
  return train(adam(), loss, optim.weight_decay ?? 0.01);
}

/** Convolutions with a bias, relu, max pools and linear layers; data comes with its channels first. */
export function cnn({ layers, optim }, x, y, parameters) {
  if (optim.name !== 'adam') throw new Error(`this peer has no convolutions trained by ${optim.name}`);
  const p = variables(parameters);
  const images = tf.transpose(x, [0, 2, 3, 1]);
  const loss = () => {
    let h = images;
    let number = 0;
    for (const layer of layers) {
      const [w, b] = [p[`${number}.w`], p[`${number}.b`]];
      if ('conv' in layer && (layer.stride ?? 1) === 1 && (layer.groups ?? 1) === 1) {
        h = tf.add(convolve(h, w, layer.padding ?? 0), b);
        number++;
      } else if ('linear' in layer) {
        h = tf.add(tf.matMul(h, w), b);
        number++;
      } else if (layer.act === 'relu') h = tf.relu(h);
      else if (layer.pool === 'max') h = tf.maxPool(h, layer.size, layer.stride ?? layer.size, 'valid');
      else if ('flatten' in layer) h = tf.reshape(tf.transpose(h, [0, 3, 1, 2]), [h.shape[0], -1]);
      else throw new Error(`this peer has no layer ${JSON.stringify(layer)}`);
    }
    return crossEntropy(h, y);
  };
  return train(adam(), loss);
}

/**
 * The backend has no gradient of filters, and its cpu backend, which has one, takes many times as long. So here they are, by what
 * is fast in the backend: for the image a convolution with the filters turned round, for the filters a product for each place of
 * theirs, whose left operand is transposed before.
 */
function convolve(x, w, padding) {
  const [size, , channels, out] = w.shape;
  const slide = (x, w, padding) => tf.conv2d(x, w, 1, padding);
  const turned = (w) => tf.transpose(tf.reverse(w, [0, 1]), [0, 1, 3, 2]);
  return tf.customGrad((x, w, save) => {
    save([x, w]);
    const gradFunc = (flow, [x, w]) => {
      const around = [padding, padding];
      const padded = tf.pad(x, [[0, 0], around, around, [0, 0]]);
      const [batch, height, width] = flow.shape;
      const rows = batch * height * width;
      const flat = tf.reshape(flow, [rows, out]);
      const taps = Array.from({ length: size * size }, (_, i) => {
        const seen = tf.slice(
          padded,
          [0, Math.floor(i / size), i % size, 0],
          [batch, height, width, channels],
        );
        return tf.matMul(tf.transpose(tf.reshape(seen, [rows, channels])), flat);
      });
      return [slide(flow, turned(w), size - 1 - padding), tf.reshape(tf.stack(taps), w.shape)];
    };
    return { value: slide(x, w, padding), gradFunc };
  })(x, w);
}

/** One layer of a GRU as PyTorch defines it; tf.layers.gru has another reset, and no more than such a loop inside. */
export function rnn({ cell, context, hidden, layers, batch, loss: over, optim }, x, y, parameters) {
  if (cell !== 'gru' || layers !== 1 || over !== 'all' || optim.name !== 'adam')
    throw new Error('this peer has GRUs of one layer alone, trained by adam on all states');
  const p = variables(parameters);
  // Step by step in rows, so that a step is a slice.
  const rows = context * batch;
  const [ids, targets] = [x, y].map((t) => tf.reshape(tf.transpose(t), [rows]));
  const loss = () => {
    const inputs = tf.add(tf.matMul(lookUp(p.C, ids), p['l0.ih.w']), p['l0.ih.b']);
    let h = tf.zeros([batch, hidden]);
    const states = tf.split(inputs, context, 0).map((step) => {
      const [ir, iz, inn] = tf.split(step, 3, 1);
      const [hr, hz, hn] = tf.split(tf.add(tf.matMul(h, p['l0.hh.w']), p['l0.hh.b']), 3, 1);
      const r = tf.sigmoid(tf.add(ir, hr));
      const z = tf.sigmoid(tf.add(iz, hz));
      const n = tf.tanh(tf.add(inn, tf.mul(r, hn)));
      h = tf.add(n, tf.mul(z, tf.sub(h, n)));
      return h;
    });
    const logits = tf.add(tf.matMul(tf.concat(states, 0), p['head.w']), p['head.b']);
    return crossEntropy(logits, targets);
  };
  return train(adam(), loss);
}
