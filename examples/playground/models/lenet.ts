import { crossEntropy, f32, i32, lenet, optim, softmax, trainStep } from '2headgrad';

// LeNet-5 (LeCun et al. 1998): two convolutions, each halved by a pool, then three layers. It learns written digits.
export default ({ size, classes }: { size: number; classes: number }) => {
  const batch = 32; // images a step
  const judged = 50; // images at a time where it is used

  return trainStep({
    name: 'digits',
    model: lenet({ size, classes }),
    batch: { x: f32(batch, size, size, 1), y: i32(batch) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.adam(), // a learning rate near 0.001 suits it
    predict: {
      inputs: { x: f32(judged, size, size, 1) },
      output: (model, { x }) => softmax(model(x)),
    },
  });
};
