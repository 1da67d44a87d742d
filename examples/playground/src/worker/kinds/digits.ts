import { DataError, type Session, ShapeError } from '2headgrad';
import type { Graph } from '../../engine.js';
import type { Digits, Project } from '../../protocol.js';
import { batchOf, type Inputs, inputsOf, isOf, loadModel } from '../model.js';
import type { Task } from '../task.js';

const SIZE = 28;
const PIXELS = SIZE * SIZE;
const CLASSES = 10;
/** Digits that the model does not know, to be looked at. */
const SHOWN = 12;

/**
 * A function of { size, classes } that gives a training step for { x: f32[batch, size, size, 1], y: i32[batch] } with
 * predict: { x: f32[n, size, size, 1] } -> probabilities f32[n, classes], for any n.
 */
export async function digitsTask({ source, data }: Project): Promise<Task> {
  const { train, dev } = rowsOf(data as Digits);
  const step = await loadModel(source, { size: SIZE, classes: CLASSES });
  const { entries } = step.program;
  checkBatch(inputsOf(entries.train));
  const rows = judged(entries.predict);
  /** Probabilities of images, f32[images, classes]. */
  const predict = (session: Session, x: Float32Array): Float32Array => {
    const images = x.length / PIXELS;
    const all = new Float32Array(images * CLASSES);
    const block = new Float32Array(rows * PIXELS);
    for (let i = 0; i < images; i += rows) {
      const part = x.subarray(i * PIXELS, (i + rows) * PIXELS);
      block.set(part);
      const found = session.predict({ x: block });
      for (let k = 0; k < (part.length / PIXELS) * CLASSES; k++) all[i * CLASSES + k] = found[k];
    }
    return all;
  };
  return {
    step,
    train,
    dev,
    about: { tokens: CLASSES, hasTanh: false, writes: false, looks: 0 },
    using: { context: rows, characters: [] },
    show: (session, { drawing }) =>
      drawing?.length === PIXELS ? { probabilities: predict(session, fromBytes(drawing)) } : {},
    measure: (session) => judge(predict(session, dev.x), dev.y),
  };
}

type Rows = { x: Float32Array; y: Int32Array };

function rowsOf({ pixels, labels, heldOut }: Digits): { train: Rows; dev: Rows } {
  const trained = labels.length - heldOut;
  if (!(trained > 0) || heldOut < 1 || pixels.length !== labels.length * PIXELS)
    throw new DataError('the digits that came with the page are damaged: load it again');
  const part = (from: number, to: number) => ({
    x: fromBytes(pixels.subarray(from * PIXELS, to * PIXELS)),
    y: Int32Array.from(labels.subarray(from, to)),
  });
  return { train: part(0, trained), dev: part(trained, labels.length) };
}

const fromBytes = (bytes: Uint8Array) => Float32Array.from(bytes, (byte) => byte / 255);

function checkBatch({ x, y, more }: Inputs): void {
  const batch = x?.shape[0] ?? 0;
  if (!isOf(x, 'f32', batch, SIZE, SIZE, 1) || !isOf(y, 'i32', batch) || more)
    throw new ShapeError(
      `the batch must be { x: f32(batch, ${SIZE}, ${SIZE}, 1), y: i32(batch) }: it is trained on digits, since you started from a model of digits${batchOf({ x, y, more })}`,
    );
}

/** Images that `predict` takes at a time. */
function judged(predict: Graph | undefined): number {
  const x = predict && inputsOf(predict).x;
  const rows = x?.shape[0] ?? 0;
  if (!isOf(x, 'f32', rows, SIZE, SIZE, 1) || predict?.outputs[0].node.shape.join() !== `${rows},${CLASSES}`)
    throw new ShapeError(
      `digits are judged with predict: give it inputs { x: f32(n, ${SIZE}, ${SIZE}, 1) } and an output of shape [n, ${CLASSES}]`,
    );
  return rows;
}

function judge(probabilities: Float32Array, labels: Int32Array) {
  const wrong: { index: number; said: number }[] = [];
  labels.forEach((label, index) => {
    const said = largest(probabilities.subarray(index * CLASSES, (index + 1) * CLASSES));
    if (said !== label) wrong.push({ index, said });
  });
  return { accuracy: 1 - wrong.length / labels.length, wrong: wrong.slice(0, SHOWN) };
}

const largest = (values: Float32Array) =>
  values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
