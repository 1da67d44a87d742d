// Networks of attention, convolution and recurrence in jax-js, each step in one jit.
import { lax, nn, numpy as np } from '@jax-js/jax';
import { adam, crossEntropy } from './jax-training.mjs';

/** Rows of a table by a product with one-hot rows: jit takes no scatter of what it computes itself. */
const lookUp = (table, ids, rows) => np.matmul(nn.oneHot(ids, rows), table);

/** Pre-norm, causal, learned positions; weights lie [in, out], queries, keys and values side by side. */
export function gpt({ vocab, context, dim, heads, layers, batch, optim }, x, y, parameters) {
  if (optim.name !== 'adamw') throw new Error(`this peer has no GPT trained by ${optim.name}`);
  const tokens = batch * context;
  // 0 for what a place may see, and so low for what comes after it that its weight is 0.
  const mask = () =>
    np
      .tril(np.ones([context, context]))
      .sub(1)
      .mul(1e9);
  const loss = (p, x, y) => {
    const norm = (h, name) => nn.standardize(h, -1).mul(p[`${name}.g`]).add(p[`${name}.b`]);
    const linear = (h, name) => np.matmul(h, p[`${name}.w`]).add(p[`${name}.b`]);
    const attention = (h) => {
      const parts = np.split(h.reshape([batch, context, 3, heads, dim / heads]), 3, 2);
      const lie = (part, order) => np.transpose(part.reshape([batch, context, heads, dim / heads]), order);
      const [q, k, v] = parts.map((part, i) => lie(part, i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3]));
      // nn.dotProductAttention does the same by einsum, which wants Node.js 22.
      const scores = np
        .matmul(q, k)
        .mul((dim / heads) ** -0.5)
        .add(mask());
      const seen = np.matmul(nn.softmax(scores, -1), v);
      return np.transpose(seen, [0, 2, 1, 3]).reshape([tokens, dim]);
    };
    let h = lookUp(p.wte, x.reshape([tokens]), vocab)
      .reshape([batch, context, dim])
      .add(p.wpe)
      .reshape([tokens, dim]);
    for (let layer = 0; layer < layers; layer++) {
      const at = `l${layer}`;
      h = h.ref.add(linear(attention(linear(norm(h, `${at}.ln1`), `${at}.qkv`)), `${at}.proj`));
      const inner = nn.gelu(linear(norm(h.ref, `${at}.ln2`), `${at}.fc`), { approximate: false });
      h = h.add(linear(inner, `${at}.out`));
    }
    const logits = np.matmul(norm(h, 'lnf'), p['head.w']);
    return crossEntropy(logits, y.reshape([tokens]), vocab);
  };
  return adam(loss, parameters, x, y, { weight_decay: optim.weight_decay ?? 0.01 });
}

/** Convolutions with a bias, relu, max pools and linear layers on images [batch, channels, height, width]. */
export function cnn({ batch, layers, classes, optim }, x, y, parameters) {
  if (optim.name !== 'adam') throw new Error(`this peer has no convolutions trained by ${optim.name}`);
  // Filters come as [height, width, in, out].
  const lies = Object.entries(parameters).map(([name, value]) => [
    name,
    value.ndim === 4 ? np.transpose(value, [3, 2, 0, 1]) : value,
  ]);
  const loss = (p, x, y) => {
    let h = x;
    let number = 0;
    for (const layer of layers) {
      const [w, b] = [p[`${number}.w`], p[`${number}.b`]];
      if ('conv' in layer) {
        const { conv: out, padding = 0, stride = 1, groups = 1 } = layer;
        const around = [padding, padding];
        h = lax
          .convGeneralDilated(h, w, [stride, stride], [around, around], { featureGroupCount: groups })
          .add(b.reshape([1, out, 1, 1]));
        number++;
      } else if ('linear' in layer) {
        h = np.matmul(h, w).add(b);
        number++;
      } else if (layer.act === 'relu') h = nn.relu(h);
      else if (layer.pool === 'max' && (layer.stride ?? layer.size) === layer.size)
        h = maxPool(h, layer.size);
      else if ('flatten' in layer) h = h.reshape([batch, -1]);
      else throw new Error(`this peer has no layer ${JSON.stringify(layer)}`);
    }
    return crossEntropy(h, y, classes);
  };
  return adam(loss, Object.fromEntries(lies), x, y);
}

/** Of squares that do not overlap and leave nothing over. */
function maxPool(h, size) {
  const [batch, channels, height, width] = h.shape;
  return np.max(h.reshape([batch, channels, height / size, size, width / size, size]), [3, 5]);
}

/** One layer of a GRU as PyTorch defines it; there is no scan, so that the steps are written out. */
export function rnn(
  { cell, vocab, context, embed, hidden, layers, batch, loss: over, optim },
  x,
  y,
  parameters,
) {
  if (cell !== 'gru' || layers !== 1 || over !== 'all' || optim.name !== 'adam')
    throw new Error('this peer has GRUs of one layer alone, trained by adam on all states');
  const loss = (p, x, y) => {
    // The products of all steps with the inputs at once, step by step in rows.
    const e = lookUp(p.C, np.transpose(x, [1, 0]).reshape([context * batch]), vocab);
    const inputs = np
      .matmul(e.reshape([context * batch, embed]), p['l0.ih.w'])
      .add(p['l0.ih.b'])
      .reshape([context, batch, 3 * hidden]);
    const steps = np.split(inputs, context, 0).map((step) => step.reshape([batch, 3 * hidden]));
    let h = np.zeros([batch, hidden]);
    const states = [];
    for (const step of steps) {
      const [ir, iz, inn] = np.split(step, 3, 1);
      const [hr, hz, hn] = np.split(np.matmul(h.ref, p['l0.hh.w'].ref).add(p['l0.hh.b'].ref), 3, 1);
      const r = nn.sigmoid(ir.add(hr));
      const z = nn.sigmoid(iz.add(hz));
      const n = np.tanh(inn.add(r.mul(hn)));
      h = n.ref.add(z.mul(h.sub(n)));
      states.push(h.ref);
    }
    h.dispose();
    const seen = np.stack(states, 0).reshape([context * batch, hidden]);
    const logits = np.matmul(seen, p['head.w']).add(p['head.b']);
    return crossEntropy(logits, np.transpose(y, [1, 0]).reshape([context * batch]), vocab);
  };
  return adam(loss, parameters, x, y);
}
