import * as tf from '@tensorflow/tfjs';

const TIME = 24;
const model = tf.sequential();
model.add(
  tf.layers.gru({ inputShape: [TIME, 1], units: 24, recurrentActivation: 'sigmoid', resetAfter: false }),
);
model.add(tf.layers.dense({ units: 1 }));
const optimizer = tf.train.adam(0.01);

const series = Array.from({ length: 1500 }, (_, t) => Math.sin(t / 5) * Math.cos(t / 31));
const windows = (from, to) => {
  const rows = Array.from({ length: to - from - TIME }, (_, i) => from + i);
  return {
    x: tf.tensor3d(rows.map((at) => series.slice(at, at + TIME).map((value) => [value]))),
    y: tf.tensor2d(rows.map((at) => [series[at + TIME]])),
  };
};
// Clipping by the norm of all gradients has to be written out: `fit` does not know it.
const train = windows(0, 1200);
const count = train.x.shape[0];
for (let step = 0; step < 600; step++) {
  tf.tidy(() => {
    const rows = tf.randomUniform([32], 0, count, 'int32');
    const [x, y] = [train.x.gather(rows), train.y.gather(rows)];
    const { grads } = tf.variableGrads(() =>
      tf.losses.meanSquaredError(y, model.apply(x, { training: true })),
    );
    const norm = tf.addN(Object.values(grads).map((grad) => grad.square().sum())).sqrt();
    const factor = tf.minimum(1, tf.div(1, norm));
    optimizer.applyGradients(
      Object.fromEntries(Object.entries(grads).map(([name, grad]) => [name, grad.mul(factor)])),
    );
  });
}
const held = windows(1200, 1500);
const [x, y, told] = [await held.x.data(), await held.y.data(), model.predict(held.x)];
const guesses = await told.data();
const mean = (error) => y.reduce((sum, value, i) => sum + error(value, i) ** 2, 0) / y.length;
const naive = mean((value, i) => value - x[TIME * i + TIME - 1]);
console.log(mean((value, i) => value - guesses[i]) < naive / 10);

const known = series.slice(0, 1200);
for (let ahead = 0; ahead < 10; ahead++) {
  const guess = tf.tidy(() => model.predict(tf.tensor3d([known.slice(-TIME).map((value) => [value])])));
  known.push((await guess.data())[0]);
  guess.dispose();
}
const worst = Math.max(...known.slice(1200).map((value, i) => Math.abs(value - series[1200 + i])));
console.log(known.length, worst < 0.2);
tf.dispose([train.x, train.y, held.x, held.y, told]);
model.dispose();
