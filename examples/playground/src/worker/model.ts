import { parser } from '@lezer/javascript';
import * as library from '2headgrad';
import { transform } from 'sucrase';
import { type Graph, inputAttrs, TrainStep } from '../engine.js';
import type { Trouble } from '../protocol.js';

/** What the user's file is called in errors. The folder keeps it apart from the library's own files. */
const FILE = 'model.ts';
const SOURCE_URL = `playground/${FILE}`;

type Step = TrainStep<unknown, Record<string, library.TensorType>, Record<string, library.TensorType>>;

/** A model from the editor, for words of so many different characters. */
export interface Model {
  step: Step;
  batch: number;
  context: number;
}

/**
 * Runs the user's TypeScript, whose default export is a function of { vocab } that gives a training step for
 * { x: i32[batch, context], y: i32[batch] } with predict: { x: i32[1, context] } -> f32[1, vocab].
 */
export async function loadModel(source: string, vocab: number): Promise<Model> {
  const make = (await evaluate(source)).default;
  if (typeof make !== 'function')
    throw new library.OptionError(
      `${FILE} has no default export: export default ({ vocab }) => trainStep(...)`,
    );
  const step = await make({ vocab });
  if (!(step instanceof TrainStep))
    throw new library.OptionError(`the function that ${FILE} exports must return what trainStep(...) gives`);
  const { train, predict } = step.program.entries;
  const [x, y] = [inputOf(train, 'x'), inputOf(train, 'y')];
  const batch = x?.shape[0] ?? 0;
  const context = x?.shape[1] ?? 0;
  const fits =
    x?.dtype === 'i32' &&
    x.shape.length === 2 &&
    y?.dtype === 'i32' &&
    y.shape.join() === `${batch}` &&
    train.inputs.filter((input) => inputAttrs(input).role === 'input').length === 3;
  if (!fits)
    throw new library.ShapeError(
      'the batch must be { x: i32(batch, context), y: i32(batch) }: it is trained on words',
    );
  const shown = predict && inputOf(predict, 'x');
  if (shown?.shape.join() !== `1,${context}` || predict.outputs[0].node.shape.join() !== `1,${vocab}`) {
    throw new library.ShapeError(
      `words are drawn with predict: give it inputs { x: i32(1, ${context}) } and an output of shape [1, ${vocab}]`,
    );
  }
  return { step: step as Step, batch, context };
}

/** Source that is not TypeScript. Lines and columns count from 1. */
class SourceError extends Error {
  constructor(
    what: string,
    readonly line: number,
    readonly column: number,
  ) {
    super(`${what} (${FILE}:${line})`);
  }
}

/** JavaScript of TypeScript, line by line. */
function withoutTypes(source: string): string {
  try {
    return transform(source, { transforms: ['typescript', 'imports'], filePath: FILE }).code;
  } catch (error) {
    const { loc, message } = error as { loc?: { line: number; column: number }; message: string };
    // Sucrase may have gone back to where a function began; the editor's parser knows the place itself.
    const at = firstError(source) ?? loc;
    const said = message.replace(/^Error transforming .*?: /, '').replace(/ \(\d+:\d+\)$/, '');
    throw at ? new SourceError(said, at.line, at.column) : error;
  }
}

function firstError(source: string): { line: number; column: number } | null {
  let at: number | null = null;
  parser
    .configure({ dialect: 'ts' })
    .parse(source)
    .iterate({
      enter({ type, from }) {
        if (type.isError) at ??= from;
      },
    });
  if (at === null) return null;
  const lines = source.slice(0, at).split('\n');
  return { line: lines.length, column: lines[lines.length - 1].length + 1 };
}

/** Without an address of its own the code could import nothing: it gets the library as CommonJS code does. */
async function evaluate(source: string): Promise<Record<string, unknown>> {
  const code = withoutTypes(source);
  // On the first line, so that lines keep their numbers.
  const text = `export default (require, exports) => { 'use strict'; ${code}\n}\n//# sourceURL=${SOURCE_URL}`;
  const address = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  try {
    const module = await import(/* @vite-ignore */ address);
    const exports: Record<string, unknown> = {};
    module.default((name: string) => {
      if (name === '2headgrad') return library;
      throw new library.OptionError(`only '2headgrad' can be imported here, not '${name}'`);
    }, exports);
    return exports;
  } finally {
    URL.revokeObjectURL(address);
  }
}

function inputOf(graph: Graph, name: string) {
  return graph.inputs.map(inputAttrs).find((input) => input.name === name);
}

/** An error in terms of the editor. */
export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof Error)) return { message: String(error) };
  if (error instanceof SourceError) return { message: error.message, line: error.line, column: error.column };
  const frame = new RegExp(`${FILE.replace('.', '\\.')}:(\\d+)(?::(\\d+))?`).exec(error.stack ?? '');
  const where = frame ? { line: Number(frame[1]), column: frame[2] ? Number(frame[2]) : undefined } : {};
  const ours = error instanceof library.GradError;
  const said = ours ? error.message : `${error.name}: ${error.message}`;
  return {
    message: where.line && !said.includes(FILE) ? `${said} (${FILE}:${where.line})` : said,
    ...where,
  };
}
