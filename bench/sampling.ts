import { Command, InvalidArgumentError, Option } from 'commander';
import { tableText } from '../src/cli/output.js';
import { type Session, softmax, trainStep } from '../src/index.js';
import { choose } from '../src/models/choose.js';
import { type GptOptions, gpt } from '../src/models/gpt.js';
import { generateTokens, writingStep } from '../src/models/text.js';
import { crossEntropy, reshape } from '../src/ops/index.js';
import * as optim from '../src/optim/index.js';
import { RandomStream, STREAMS } from '../src/random/philox.js';
import { i32 } from '../src/train/step.js';

// How long a GPT takes to write so many tokens, with the cache of keys and values of the places before, and without it.

const NOTES = `
The model is that of W6 (vocabulary 65, width 128, 4 heads, 4 layers) as it begins; what it has learned changes no time. With
the cache a token costs a pass over one place, and two on the average once the context is full, since half of it is then read
again. Without it a token costs a pass over the whole context. Both write the same tokens, which is checked.`;

/** A model that writes: gives what it drew, token by token. */
interface Writer {
  session: Session;
  write(tokens: number): number[];
}

const SEED = 42;
const PROMPT = [0];

function optionsOf(context: number): GptOptions {
  return { vocab: 65, context, width: 128, heads: 4, layers: 4 };
}

/** Draws tokens from the same random numbers for every writer. */
function draws(): (probabilities: ArrayLike<number>) => number {
  const random = new RandomStream(SEED, STREAMS.sample);
  let drawn = 0;
  return (probabilities) => choose(probabilities, random.uniform(drawn++));
}

/** The model without a cache: the probabilities after one place of a whole context. */
function wholeStep(options: GptOptions) {
  const { context, vocab } = options;
  return trainStep({
    name: 'text',
    model: gpt(options),
    batch: { x: i32(1, context), y: i32(1, context) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.sgd(),
    entries: {
      after: {
        inputs: { x: i32(1, context), place: i32(1) },
        output: (model, { x, place }) =>
          softmax(reshape(reshape(model(x), [context, vocab]).gather(place), [vocab])),
      },
    },
  });
}

function cached(session: Session, context: number): Writer {
  return {
    session,
    write(tokens) {
      const made = generateTokens(session, { context, prompt: PROMPT, next: draws() });
      return Array.from({ length: tokens }, () => made.next().value);
    },
  };
}

/** Reads the very windows of the text that the cache holds, so that both see the same places. */
function whole(session: Session, context: number): Writer {
  return {
    session,
    write(tokens) {
      const x = new Int32Array(context);
      let at = 0;
      const reader = {
        invoke(_: string, { token, place }: Record<string, ArrayLike<number>>) {
          at = place[0];
          x[at] = token[0];
          return { output: new Float32Array() };
        },
      };
      const draw = draws();
      const next = () => draw(session.invoke('after', { x, place: [at] }).output);
      const made = generateTokens(reader, { context, prompt: PROMPT, next });
      return Array.from({ length: tokens }, () => made.next().value);
    },
  };
}

const ENGINES = ['compiled', 'tape'] as const;
type Engine = (typeof ENGINES)[number];

/** Both writers of a context, with the same weights. */
async function writers(engine: Engine, context: number, threads: number) {
  const options = optionsOf(context);
  const start = (step: ReturnType<typeof writingStep> | ReturnType<typeof wholeStep>): Promise<Session> =>
    engine === 'tape'
      ? Promise.resolve(step.interpret({ seed: SEED }))
      : step.compile({ seed: SEED, threads, cache: false });
  const [own, without] = [await start(writingStep(options)), await start(wholeStep(options))];
  for (const name of own.names('parameter')) without.write(name, own.read(name));
  return { cached: cached(own, context), whole: whole(without, context) };
}

/** Milliseconds for so many tokens, when the engine is warm, and the tokens. */
function timed(writer: Writer, tokens: number): { ms: number; made: number[] } {
  writer.write(Math.min(tokens, WARM));
  const began = performance.now();
  const made = writer.write(tokens);
  return { ms: performance.now() - began, made };
}

const WARM = 100;

interface Row {
  engine: Engine;
  context: number;
  tokens: number;
  /** Milliseconds. */
  cached: number;
  whole: number;
  /** Tokens, from the first on, that are the same; rounding may tip a draw. */
  same: number;
}

async function measure(engine: Engine, context: number, tokens: number, threads: number): Promise<Row> {
  const made = await writers(engine, context, threads);
  const [a, b] = [timed(made.cached, tokens), timed(made.whole, tokens)];
  await made.cached.session.close();
  await made.whole.session.close();
  const differ = a.made.findIndex((token, i) => token !== b.made[i]);
  return { engine, context, tokens, cached: a.ms, whole: b.ms, same: differ < 0 ? tokens : differ };
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number from 1');
  return value;
}

const command = new Command('bench:sampling')
  .description('Measures how long a GPT takes to write, with its cache of keys and values and without.')
  .option('--tokens <n>', 'how many it writes', count, 1000)
  .option('--contexts <lengths>', 'places that it sees', (text) => text.split(',').map(count), [64, 256])
  .addOption(new Option('--engine <name>', 'what runs it').choices(ENGINES).default('compiled'))
  .option('--threads <n>', 'of the compiled engine', count, 1)
  .option('--json', 'one JSON object as the last line', false)
  .addHelpText('after', NOTES)
  .parse();
const { tokens, contexts, engine, threads, json } = command.opts<{
  tokens: number;
  contexts: number[];
  engine: Engine;
  threads: number;
  json: boolean;
}>();

const rows: Row[] = [];
for (const context of contexts) rows.push(await measure(engine, context, tokens, threads));
const ms = (n: number) => n.toFixed(n < 100 ? 1 : 0);
const head = [`${tokens} tokens`, 'context', 'with cache, ms', 'without, ms', 'times as long', 'same tokens'];
const lines = rows.map((row) => [
  ...[row.engine, String(row.context), ms(row.cached), ms(row.whole)],
  ...[(row.whole / row.cached).toFixed(1), String(row.same)],
]);
for (const line of tableText(head, lines)) console.log(line);
if (json) console.log(JSON.stringify({ threads, rows }));
