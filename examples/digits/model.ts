import {
  confusionMatrix,
  crossEntropy,
  f32,
  i32,
  lenet,
  nn,
  optim,
  softmax,
  type Tensor,
  trainStep,
} from '2headgrad';

/** Images in a batch, and in one that is judged. */
export const BATCH = 64;
export const JUDGED = 100;
/** The highest of a cycle's rates. */
export const RATE = 0.002;
/** The class of rows that only fill a batch up: none. */
export const NONE = 10;

// In training each image is moved by up to two pixels each way, in use it stays where it is. (LeCun et al. 1998.)
const model = { shift: nn.randomShift(2), lenet: lenet() };
const logits = ({ shift, lenet }: typeof model, x: Tensor) => lenet(shift(x));

export const digits = trainStep({
  name: 'digits',
  model,
  batch: { x: f32(BATCH, 28, 28, 1), y: i32(BATCH) },
  loss: (model, { x, y }) => crossEntropy(logits(model, x), y),
  optimizer: optim.adam(),
  predict: { inputs: { x: f32(1, 28, 28, 1) }, output: (model, { x }) => softmax(logits(model, x)) },
  entries: {
    judge: {
      inputs: { x: f32(JUDGED, 28, 28, 1), y: i32(JUDGED) },
      output: (model, { x, y }) => {
        const found = logits(model, x);
        return { logits: found, confusion: confusionMatrix(found, y, { ignoreIndex: NONE }) };
      },
    },
  },
});
