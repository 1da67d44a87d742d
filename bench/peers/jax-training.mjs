// What trains the workloads in jax-js: a loss, and a step that takes its gradients, in one jit.
import { blockUntilReady, jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';

/** Mean cross-entropy. logits: [batch, classes], y: [batch]. */
export function crossEntropy(logits, y, classes) {
  return nn.logSoftmax(logits, -1).mul(nn.oneHot(y, classes)).sum(-1).mean().neg();
}

/** Runs a step: (state, x, y, lr) -> [loss, state]. */
export function train(step, state, x, y) {
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
export function sgd(lr) {
  return (p, g) => p.sub(g.mul(lr.ref));
}

/** Trains by Adam, or with a weight decay by AdamW. loss: (parameters, x, y) -> a number. */
export function adam(loss, parameters, x, y, { weight_decay: decay = 0 } = {}) {
  const [beta1, beta2, eps] = [0.9, 0.999, 1e-8];
  const step = ({ p, m, v, c1, c2 }, x, y, lr) => {
    const [value, gradients] = valueAndGrad(loss)(tree.ref(p), x, y);
    const nextM = tree.map((m, g) => m.mul(beta1).add(g.mul(1 - beta1)), m, tree.ref(gradients));
    const nextV = tree.map((v, g) => v.mul(beta2).add(np.square(g).mul(1 - beta2)), v, gradients);
    const next1 = c1.mul(beta1).add(1 - beta1);
    const next2 = c2.mul(beta2).add(1 - beta2);
    const update = (p, m, v) => {
      const root = np.sqrt(v.div(next2.ref)).add(eps);
      const kept = decay ? p.mul(lr.ref.mul(-decay).add(1)) : p;
      return kept.sub(m.div(next1.ref).div(root).mul(lr.ref));
    };
    const nextP = tree.map(update, p, tree.ref(nextM), tree.ref(nextV));
    return [value, { p: nextP, m: nextM, v: nextV, c1: next1, c2: next2 }];
  };
  const zeros = () => tree.map((p) => np.zeros(p.shape), parameters);
  return train(jit(step), { p: parameters, m: zeros(), v: zeros(), c1: np.array(0), c2: np.array(0) }, x, y);
}
