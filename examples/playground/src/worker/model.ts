import { parser } from '@lezer/javascript';
import * as library from '2headgrad';
import { transform } from 'sucrase';
import { type Graph, inputAttrs, TrainStep } from '../engine.js';
import type { Trouble } from '../protocol.js';

/** What the user's file is called in errors. The folder keeps it apart from the library's own files. */
const FILE = 'model.ts';
const SOURCE_URL = `playground/${FILE}`;

export type Step = TrainStep<unknown, Record<string, library.TensorType>, Record<string, library.TensorType>>;

/** Runs the user's TypeScript, whose default export is a function of `given` that gives a training step. */
export async function loadModel(source: string, given: Record<string, number>): Promise<Step> {
  const make = (await evaluate(source)).default;
  if (typeof make !== 'function')
    throw new library.OptionError(
      `${FILE} has no default export: export default ({ ${Object.keys(given).join(', ')} }) => trainStep(...)`,
    );
  const step = await make(given);
  if (!(step instanceof TrainStep))
    throw new library.OptionError(`the function that ${FILE} exports must return what trainStep(...) gives`);
  return step as Step;
}

type Input = ReturnType<typeof inputAttrs>;

/** What an entry takes beside variables. */
export interface Inputs {
  x?: Input;
  y?: Input;
  all?: Record<string, Input>;
  /** There are others, beside a learning rate. */
  more: boolean;
}

export function inputsOf(graph: Graph): Inputs & { all: Record<string, Input> } {
  const inputs = graph.inputs.map(inputAttrs).filter(({ role }) => role === 'input');
  const all = Object.fromEntries(inputs.map((input) => [input.name, input]));
  return { x: all.x, y: all.y, all, more: inputs.length > 3 };
}

export const isOf = (
  input: Input | undefined,
  dtype: string,
  ...shape: (number | undefined)[]
): input is Input => input?.dtype === dtype && input.shape.join() === shape.join();

/** What else the batch is, for an error; nothing if it has no x or no y. */
export function batchOf({ x, y }: Inputs): string {
  if (!x || !y) return '';
  return `; this one has x ${x.dtype}[${x.shape.join(', ')}] and y ${y.dtype}[${y.shape.join(', ')}]`;
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

/** Without an address of its own the code could import nothing: it gets the library as CommonJS code does. It may await. */
export async function evaluate(source: string): Promise<Record<string, unknown>> {
  const code = withoutTypes(source);
  // On the first line, so that lines keep their numbers.
  const text = `export default async (require, exports) => { 'use strict'; ${code}\n}\n//# sourceURL=${SOURCE_URL}`;
  const address = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  try {
    const module = await import(/* @vite-ignore */ address);
    const exports: Record<string, unknown> = {};
    await module.default((name: string) => {
      if (name === '2headgrad') return library;
      throw new library.OptionError(`only '2headgrad' can be imported here, not '${name}'`);
    }, exports);
    return exports;
  } finally {
    URL.revokeObjectURL(address);
  }
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
