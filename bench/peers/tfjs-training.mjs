// What trains the workloads in TensorFlow.js, on its WebAssembly backend with SIMD and one thread.
import { createRequire } from 'node:module';

// The packages' own builds for Node.js are CommonJS; both must get the same core.
const require = createRequire(import.meta.url);
export const tf = require('@tensorflow/tfjs');
const { setThreadsCount } = require('@tensorflow/tfjs-backend-wasm');

setThreadsCount(1);
if (!(await tf.setBackend('wasm'))) throw new Error('the wasm backend does not start');

/** Mean cross-entropy. logits: [batch, classes], y: [batch]. */
export function crossEntropy(logits, y) {
  return tf.losses.softmaxCrossEntropy(tf.oneHot(y, logits.shape[1]), logits);
}

/** Minimises `loss`, which reads the variables; with a weight decay as AdamW does. */
export function train(optimizer, loss, decay = 0) {
  let last = null;
  return {
    run(steps, lr) {
      if (optimizer.setLearningRate) optimizer.setLearningRate(lr);
      else optimizer.learningRate = lr;
      for (let i = 0; i < steps; i++) {
        last?.dispose();
        const { value, grads } = optimizer.computeGradients(loss);
        if (decay) shrink(grads, 1 - lr * decay);
        optimizer.applyGradients(grads);
        tf.dispose(grads);
        last = value;
      }
      last.dataSync();
    },
    value: () => last.dataSync()[0],
  };
}

/** Every variable that has a gradient, times a factor. */
function shrink(gradients, factor) {
  const { registeredVariables } = tf.engine();
  for (const name of Object.keys(gradients)) {
    const variable = registeredVariables[name];
    tf.tidy(() => variable.assign(tf.mul(variable, factor)));
  }
}

export const adam = () => tf.train.adam(0, 0.9, 0.999, 1e-8);

export const variables = (parameters) =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, tf.variable(value)]));

/** The backend has no gradient of gather, so here it is: rows added up where they came from. */
export const lookUp = tf.customGrad((table, ids, save) => {
  save([ids]);
  const { shape } = table;
  return {
    value: tf.gather(table, ids),
    gradFunc: (flow, [ids]) => [tf.scatterND(tf.expandDims(ids, 1), flow, shape), tf.zerosLike(ids)],
  };
});
