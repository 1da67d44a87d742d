import { type Session, ShapeError } from '2headgrad';
import {
  contexts,
  evaluateGraph,
  type Graph,
  RandomStream,
  STREAMS,
  split,
  Vocabulary,
} from '../../engine.js';
import type { Project } from '../../protocol.js';
import { batchOf, type Inputs, inputsOf, isOf, loadModel } from '../model.js';
import type { Task } from '../task.js';
import { parseWords } from './given.js';

/** Rows on which the loss on unseen words is taken: enough for two digits, few enough to be quick. */
const DEV_ROWS = 2048;
const SAMPLES = 12;
const LONGEST = 40;
/** Where a tanh is so flat that hardly any gradient passes: its derivative is below 0.06. */
const SATURATED = 0.97;

/**
 * A function of { vocab } that gives a training step for { x: i32[batch, context], y: i32[batch] } with
 * predict: { x: i32[1, context] } -> f32[1, vocab].
 */
export async function wordsTask({ source, data, seed }: Project): Promise<Task> {
  const words = parseWords(String(data));
  const vocabulary = Vocabulary.from(words);
  const step = await loadModel(source, { vocab: vocabulary.size });
  const { train, predict, evaluate } = step.program.entries;
  const { batch, context } = shapesOf(inputsOf(train), predict, vocabulary.size);
  const parts = split(words, seed);
  const { x, y } = contexts(parts.dev, vocabulary, context);
  const dev = { x: x.subarray(0, DEV_ROWS * context), y: y.subarray(0, DEV_ROWS) };
  const tanhs = tanhOutputs(evaluate);
  const saturation = (session: Session) => {
    if (!tanhs || dev.y.length < batch) return undefined;
    return saturated(tanhs, session, {
      x: dev.x.subarray(0, batch * context),
      y: dev.y.subarray(0, batch),
    });
  };
  return {
    step,
    train: columns(contexts(parts.train, vocabulary, context)),
    dev,
    about: { tokens: vocabulary.size, hasTanh: tanhs !== null, writes: false, looks: 0 },
    using: {
      context,
      characters: ['', ...Array.from({ length: vocabulary.size - 1 }, (_, i) => vocabulary.decode([i + 1]))],
    },
    show: (session, _, seed) => ({
      samples: sampleWords(vocabulary, context, (x) => session.predict({ x }), seed),
    }),
    measure: (session) => ({ saturation: saturation(session) }),
  };
}

const columns = ({ x, y }: { x: Int32Array; y: Int32Array }) => ({ x, y });

function shapesOf({ x, y, more }: Inputs, predict: Graph | undefined, vocab: number) {
  const [batch, context] = x?.shape ?? [];
  const fits = isOf(x, 'i32', batch, context) && isOf(y, 'i32', batch) && !more;
  if (!fits)
    throw new ShapeError(
      `the batch must be { x: i32(batch, context), y: i32(batch) }: it is trained on words, since you started from a model of words${batchOf({ x, y, more })}`,
    );
  const shown = predict && inputsOf(predict).x;
  if (!isOf(shown, 'i32', 1, context) || predict?.outputs[0].node.shape.join() !== `1,${vocab}`)
    throw new ShapeError(
      `words are drawn with predict: give it inputs { x: i32(1, ${context}) } and an output of shape [1, ${vocab}]`,
    );
  return { batch, context };
}

/** Words, character by character, from what `predict` gives for the characters before. */
function sampleWords(
  vocabulary: Vocabulary,
  context: number,
  predict: (x: Int32Array) => ArrayLike<number>,
  seed: number,
): string[] {
  const random = new RandomStream(seed, STREAMS.sample);
  return Array.from({ length: SAMPLES }, (_, word) => {
    const ids: number[] = [];
    while (ids.length < LONGEST) {
      const x = new Int32Array(context);
      const known = ids.slice(-context);
      x.set(known, context - known.length);
      const id = draw(predict(x), random.uniform(word * LONGEST + ids.length));
      if (id === Vocabulary.BOUNDARY) break;
      ids.push(id);
    }
    return vocabulary.decode(ids);
  });
}

/** The index into whose share of [0, sum of the weights) the number falls. */
function draw(weights: ArrayLike<number>, uniform: number): number {
  let left = 0;
  for (let i = 0; i < weights.length; i++) left += weights[i];
  left *= uniform;
  for (let i = 0; i < weights.length; i++) if ((left -= weights[i]) < 0) return i;
  return Vocabulary.BOUNDARY;
}

/** The graph with its tanhs as outputs, if it has any. */
function tanhOutputs(graph: Graph): Graph | null {
  const outputs = graph.nodes
    .filter((node) => node.op.name === 'tanh')
    .map((node, i) => ({ name: `tanh${i}`, node }));
  return outputs.length ? { ...graph, outputs } : null;
}

/** Share of flat tanhs on one batch, by the ops' reference implementations. */
function saturated(tanhs: Graph, session: Session, batch: { x: Int32Array; y: Int32Array }): number {
  const variables = Object.fromEntries(session.names().map((name) => [name, session.read(name)]));
  const { outputs } = evaluateGraph(tanhs, batch, variables);
  let flat = 0;
  let all = 0;
  for (const { data } of Object.values(outputs)) {
    all += data.length;
    for (const value of data) if (Math.abs(value) > SATURATED) flat++;
  }
  return flat / all;
}
