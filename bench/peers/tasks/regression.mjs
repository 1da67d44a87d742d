import * as tf from '@tensorflow/tfjs';

// In place of a file: prices that follow from the rest, with a kink and noise.
let seed = 5;
const uniform = () => {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
};
const houses = Array.from({ length: 1200 }, () => {
  const [area, age] = [40 + 160 * uniform(), 80 * uniform()];
  const rooms = Math.max(1, Math.round(area / 30 + uniform() - 0.5));
  const price = 2500 * area + 9000 * rooms - 900 * Math.max(0, age - 20) + 20000 * (uniform() - 0.5);
  return { area, rooms, age, price };
});
const columns = ['area', 'rooms', 'age', 'price'];
const scales = Object.fromEntries(
  columns.map((name) => {
    const all = houses.map((house) => house[name]);
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    const deviation = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length);
    return [name, { mean, deviation }];
  }),
);
const scaled = (house, name) => (house[name] - scales[name].mean) / scales[name].deviation;
const rowsOf = (part) => ({
  x: tf.tensor2d(part.map((house) => columns.slice(0, 3).map((name) => scaled(house, name)))),
  y: tf.tensor2d(part.map((house) => [scaled(house, 'price')])),
});

const model = tf.sequential();
model.add(tf.layers.dense({ inputShape: [3], units: 32, activation: 'relu' }));
model.add(tf.layers.dense({ units: 1 }));
const optimizer = tf.train.adam(0.01);
model.compile({ optimizer, loss: 'meanSquaredError' });
const EPOCHS = 64;
const train = rowsOf(houses.slice(0, 1000));
await model.fit(train.x, train.y, {
  epochs: EPOCHS,
  batchSize: 32,
  verbose: 0,
  callbacks: {
    onEpochBegin: (epoch) => {
      optimizer.learningRate = 0.005 * (1 + Math.cos((Math.PI * epoch) / EPOCHS));
    },
  },
});

const held = houses.slice(1000);
const asked = rowsOf(held);
const told = model.predict(asked.x);
const guesses = await told.data();
const { mean, deviation } = scales.price;
const errors = held.map(({ price }, i) => Math.abs(guesses[i] * deviation + mean - price));
const typical = errors.reduce((sum, error) => sum + error, 0) / errors.length;
console.log(typical < 7000);
tf.dispose([train.x, train.y, asked.x, asked.y, told]);
model.dispose();
