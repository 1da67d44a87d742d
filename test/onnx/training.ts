import { encodeOnnx } from '../../src/onnx/encode.js';
import { onnxGraph } from '../../src/onnx/export.js';
import type { OnnxGraph, OnnxValue } from '../../src/onnx/model.js';
import type { AnyTrainStep } from '../../src/run/train-step.js';
import { numel } from '../../src/shape.js';
import type { Session } from '../../src/train/session.js';
import { fill } from '../ops/cases.js';
import { furthest, type Given, load } from './runtime.js';

/** A shape with so many rows, where these are left open. */
const sizesOf = ({ shape }: Pick<OnnxValue, 'shape'>, rows = 1) =>
  shape.map((n) => (typeof n === 'string' ? rows : n));

/** Made-up data for an input: integers below `size`. */
export function made({ name, type, ...of }: OnnxValue, size: number, seed: number, rows = 1): Given {
  const shape = sizesOf(of, rows);
  const dtype = type as Given['dtype'];
  const data = fill({ shape, dtype, ...(dtype === 'i32' && { size }) }, seed + 97 * name.length);
  return { shape, dtype, data };
}

const elements = (of: Readonly<Record<string, Given>>) =>
  Object.fromEntries(Object.entries(of).map(([name, { data }]) => [name, data]));

/** How far outputs of onnxruntime are from ours at most, for these numbers of rows, and how large ours are. */
export async function predictions(
  step: AnyTrainStep,
  session: Session,
  size: number,
  { entry = 'predict', rows = [1] }: { entry?: string; rows?: readonly number[] } = {},
) {
  const graph = onnxGraph(step, session, { entry });
  const running = await load(await encodeOnnx(graph));
  const { state } = partsOf(graph);
  const own = graph.inputs.filter((input) => !state.includes(input));
  let [difference, largest] = [0, 0];
  for (const count of rows) {
    const inputs = Object.fromEntries(own.map((input, i) => [input.name, made(input, size, i, count)]));
    const { output } = await running.run({ ...inputs, ...valuesOf(state, session) });
    const ours = session.invoke(entry, elements(inputs));
    difference = Math.max(difference, furthest(output.data, ours.output));
    largest = Math.max(largest, ...Array.from(ours.output, Math.abs));
  }
  await running.close();
  return { graph, difference, largest };
}

/** The parts of a training step's inputs. */
export function partsOf({ inputs, outputs }: OnnxGraph) {
  const made = new Set(outputs.map(({ name }) => name));
  const state = inputs.filter(({ name }) => made.has(`${name}.out`));
  return { state, batch: inputs.filter((input) => !state.includes(input) && input.name !== 'learning_rate') };
}

function shareApart(
  state: readonly OnnxValue[],
  a: (name: string) => ArrayLike<number>,
  b: (name: string) => ArrayLike<number>,
): number {
  let [all, far] = [0, 0];
  for (const { name, ...of } of state) {
    const shape = sizesOf(of);
    const [x, y] = [a(name), b(name)];
    all += numel(shape);
    for (let i = 0; i < x.length; i++) if (Math.abs(x[i] - y[i]) > 1e-5) far++;
  }
  return far / all;
}

/** Variables as they are now. */
function valuesOf(state: readonly OnnxValue[], session: Session): Record<string, Given> {
  return Object.fromEntries(
    state.map(({ name, type, ...of }) => [
      name,
      { shape: sizesOf(of), dtype: type as Given['dtype'], data: Array.from(session.read(name)) },
    ]),
  );
}

/** Takes steps in onnxruntime and in sessions, on the same batches; how far variables are apart then. */
export async function trainings(step: AnyTrainStep, size: number, lr: number, steps = 20) {
  const session = await step.compile({ seed: 3 });
  const graph = onnxGraph(step, session, { entry: 'train' });
  const running = await load(await encodeOnnx(graph));
  const { state, batch } = partsOf(graph);
  let now = valuesOf(state, session);
  const learning_rate: Given = { shape: [], dtype: 'f32', data: [lr] };
  let losses = 0;
  for (let at = 0; at < steps; at++) {
    const data = Object.fromEntries(batch.map((input) => [input.name, made(input, size, 1000 * at)]));
    const ours = session.step({ lr, batch: elements(data) });
    const out = await running.run({ ...now, ...data, learning_rate });
    losses = Math.max(losses, Math.abs(ours - out.loss.data[0]));
    now = Object.fromEntries(
      state.map(({ name }) => [name, { ...now[name], data: out[`${name}.out`].data }]),
    );
  }
  const [there, here] = [(name: string) => now[name].data, (name: string) => session.read(name)];
  const found = {
    /** The largest difference of losses, and of variables at the end. */
    losses,
    apart: Math.max(...state.map(({ name }) => furthest(there(name), here(name)))),
    /** The share of all elements that are further apart than 1e-5. */
    share: shareApart(state, there, here),
  };
  await running.close();
  await session.close();
  return found;
}
