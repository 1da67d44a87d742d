import { choose, DataError, generateTokens, type Session, ShapeError } from '2headgrad';
import {
  CharacterTokens,
  type Graph,
  RandomStream,
  STREAMS,
  splitText,
  spread,
  windows,
} from '../../engine.js';
import type { Project, Shown } from '../../protocol.js';
import { batchOf, type Inputs, inputsOf, isOf, loadModel } from '../model.js';
import type { Task } from '../task.js';
import { parseText } from './given.js';

/** Tokens in all windows that are trained on, which lie in memory, and tokens on which the loss on unseen text is taken. */
const MOST_TRAINED = 2 ** 21;
const DEV_TOKENS = 2 ** 12;
/** Characters that a prompt goes on for. */
const WRITTEN = 240;

/**
 * A function of { vocab } that gives a training step for { x: i32[batch, context], y: i32[batch, context] }, y being the
 * character after each place. It goes on from a prompt by its entry `generate`, { token: i32[1], place: i32[1] } ->
 * f32[vocab], and can be looked at by its entry `attention`, { x: i32[1, n] } -> f32[layers, heads, n, n]; both may be missing.
 */
export async function textTask({ source, data, seed }: Project): Promise<Task> {
  const text = parseText(String(data));
  const tokens = CharacterTokens.from(text);
  const step = await loadModel(source, { vocab: tokens.size });
  const { train, generate, attention } = step.program.entries;
  const context = contextOf(inputsOf(train));
  if (generate) checkGenerate(generate, tokens.size);
  const maps = attention ? mapsOf(attention) : null;
  const ids = tokens.encode(text);
  const least = 3 * (context + 1);
  if (ids.length < least)
    throw new DataError(
      `the text has ${ids.length} characters, and a context of ${context} takes ${least} at least: give a longer one, or a shorter context`,
    );
  const parts = splitText([ids], seed, context + 1);
  const rows = windows(parts.train, context, MOST_TRAINED);
  const dev = spread(parts.dev, context, DEV_TOKENS);
  return {
    step,
    train: { x: rows.x, y: rows.y },
    dev: { x: dev.x, y: dev.y },
    about: { tokens: tokens.size, hasTanh: false, writes: generate !== undefined, looks: maps?.places ?? 0 },
    using: { context, characters: tokens.toJSON().characters },
    show: (session, { prompt, temperature, line }, seed) => ({
      ...(generate && write(session, tokens, { prompt, temperature, context, seed })),
      ...(maps && look(session, tokens, line, maps)),
    }),
  };
}

function contextOf({ x, y, more }: Inputs): number {
  const [batch, context] = x?.shape ?? [];
  if (!isOf(x, 'i32', batch, context) || !isOf(y, 'i32', batch, context) || more)
    throw new ShapeError(
      `the batch must be { x: i32(batch, context), y: i32(batch, context) }: it is trained on a text, since you started from a model of texts${batchOf({ x, y, more })}`,
    );
  return context;
}

function checkGenerate(entry: Graph, vocab: number): void {
  const { token, place } = inputsOf(entry).all;
  const [output] = entry.outputs;
  const made = output.node.shape.join();
  if (!isOf(token, 'i32', 1) || !isOf(place, 'i32', 1) || output.name !== 'output' || made !== `${vocab}`)
    throw new ShapeError(
      `texts are written with the entry generate: give it inputs { token: i32(1), place: i32(1) } and one output of shape [${vocab}]`,
    );
}

interface Maps {
  layers: number;
  heads: number;
  places: number;
}

function mapsOf(entry: Graph): Maps {
  const { x } = inputsOf(entry).all;
  const places = x?.shape[1] ?? 0;
  const [output] = entry.outputs;
  const [layers, heads, ...square] = output.node.shape;
  const fits =
    isOf(x, 'i32', 1, places) && output.name === 'output' && square.join() === `${places},${places}`;
  if (!fits)
    throw new ShapeError(
      'attention is looked at with the entry attention: give it inputs { x: i32(1, n) } and one output of shape [layers, heads, n, n]',
    );
  return { layers, heads, places };
}

interface Writing {
  prompt: string;
  temperature: number;
  context: number;
  seed: number;
}

/** How a prompt goes on; without one, as after a line's end. */
function write(
  session: Session,
  tokens: CharacterTokens,
  { prompt, temperature, context, seed }: Writing,
): Shown {
  return told('writingTrouble', () => {
    const begin = prompt || ['\n', ' '].find((text) => tokens.knows(text));
    const ids = begin === undefined ? [0] : tokens.encode(begin);
    const random = new RandomStream(seed, STREAMS.sample);
    const how = { temperature, topK: 0, topP: 1 };
    let drawn = 0;
    const next = generateTokens(session, {
      context,
      prompt: ids,
      next: (probabilities) => choose(probabilities, random.uniform(drawn++), how),
    });
    return { writing: tokens.decode(Array.from({ length: WRITTEN }, () => next.next().value)) };
  });
}

/** What the characters of a line look at, of as many as the entry takes, the last ones. */
function look(session: Session, tokens: CharacterTokens, line: string, maps: Maps): Shown {
  const { layers, heads, places } = maps;
  return told('mapsTrouble', () => {
    const characters = Array.from(line).slice(-places);
    const n = characters.length;
    if (n === 0) return {};
    const x = new Int32Array(places);
    x.set(tokens.encode(characters.join('')));
    const { output } = session.invoke('attention', { x });
    const weights = new Float32Array(layers * heads * n * n);
    // What stands behind the line is seen by none of its places.
    for (let head = 0; head < layers * heads; head++)
      for (let row = 0; row < n; row++) {
        const from = (head * places + row) * places;
        for (let i = 0; i < n; i++) weights[(head * n + row) * n + i] = output[from + i];
      }
    return { maps: { layers, heads, characters, weights } };
  });
}

/** A character that the text does not have is the reader's mistake, and no reason to stop. */
function told(trouble: 'writingTrouble' | 'mapsTrouble', show: () => Shown): Shown {
  try {
    return show();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { [trouble]: error.message };
  }
}
