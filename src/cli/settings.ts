import { type Command, InvalidArgumentError, Option } from 'commander';
import { OptionError } from '../errors.js';
import { NORMS, type Norm } from '../models/bengio.js';
import { MAX_THREADS } from '../plan/layout.js';
import { BEYOND_F32 } from '../shape.js';

export const ENGINES = ['compiled', 'tape'] as const;

/** What the model is; a trained folder holds these for good. */
export interface ModelSettings {
  context: number;
  embed: number;
  hidden: number;
  norm: Norm;
  direct: boolean;
}

/** What a run is; `config.json` keeps all of them. */
export interface RunSettings extends ModelSettings {
  steps: number;
  batch: number;
  lr: number;
  /** Null: after a fixed part of the steps. */
  lrDecayAt: number | null;
  seed: number;
  threads: number;
  engine: (typeof ENGINES)[number];
}

export type SettingName = keyof RunSettings;

interface Setting {
  /** As commander takes it. */
  flags: string;
  help: string;
  initial: unknown;
  /** Turns the text of the command line into a value that `problem` judges. */
  parse?: (text: string) => unknown;
  choices?: readonly string[];
  /** What is wrong with a value, or undefined. */
  problem: (value: unknown) => string | undefined;
}

/** Where the learning rate falls to a tenth unless told: this part of the steps. */
const DECAY_AFTER = 0.6;

const whole = (
  flags: string,
  help: string,
  initial: number | null,
  least: number,
  most: number,
): Setting => ({
  flags,
  help,
  initial,
  parse: toNumber,
  problem: (value) => {
    if (value === null && initial === null) return undefined;
    if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return undefined;
    return `expected a whole number from ${least} to ${most}`;
  },
});

const choice = (flags: string, help: string, choices: readonly string[]): Setting => ({
  flags,
  help,
  initial: choices[0],
  choices,
  problem: (value) =>
    choices.includes(value as string) ? undefined : `expected one of ${choices.join(', ')}`,
});

export const SETTINGS: Record<SettingName, Setting> = {
  context: whole('--context <n>', 'characters the model sees', 3, 1, 1_000),
  embed: whole('--embed <n>', "width of a character's feature vector", 10, 1, 100_000),
  hidden: whole('--hidden <n>', 'width of the hidden layer', 200, 1, 1_000_000),
  norm: choice('--norm <kind>', 'normalization before the tanh', NORMS),
  direct: {
    flags: '--direct',
    help: 'connect the feature vectors to the output directly too',
    initial: false,
    problem: (value) => (typeof value === 'boolean' ? undefined : 'expected true or false'),
  },
  steps: whole('--steps <n>', 'steps of training', 50_000, 0, 10_000_000),
  batch: whole('--batch <n>', 'rows in one step', 32, 1, 1_000_000),
  lr: {
    flags: '--lr <x>',
    help: 'learning rate',
    initial: 0.1,
    parse: toNumber,
    problem: (value) =>
      typeof value === 'number' && value >= 0 && value < BEYOND_F32
        ? undefined
        : value !== Number.POSITIVE_INFINITY && Number(value) > 0
          ? 'expected a number from 0 to 3.4e38'
          : 'expected a number from 0',
  },
  lrDecayAt: whole(
    '--lr-decay-at <step>',
    `after this step a tenth of the learning rate (default: ${DECAY_AFTER * 100} % of the steps)`,
    null,
    0,
    Number.MAX_SAFE_INTEGER,
  ),
  seed: whole('--seed <n>', 'of the split, the initial values and the batches', 42, 0, 0xffffffff),
  threads: whole('--threads <n>', 'threads of the compiled engine', 1, 1, MAX_THREADS),
  engine: choice('--engine <kind>', 'what runs the steps', ENGINES),
};

export const MODEL_SETTINGS = ['context', 'embed', 'hidden', 'norm', 'direct'] as const;
/** What a search for a learning rate has beside the model. */
export const FINDER_SETTINGS = [...MODEL_SETTINGS, 'batch', 'seed', 'threads', 'engine'] as const;
export const RUN_SETTINGS = Object.keys(SETTINGS) as SettingName[];

/** The option's name as a user types it. */
export function flagOf(name: SettingName): string {
  return SETTINGS[name].flags.split(' ')[0];
}

/** The options that give these settings, without those that stand for their initial values. */
export function changedFlags(settings: Partial<RunSettings>): string[] {
  return RUN_SETTINGS.filter((name) => name in settings && settings[name] !== SETTINGS[name].initial).map(
    (name) => (settings[name] === true ? flagOf(name) : `${flagOf(name)} ${settings[name]}`),
  );
}

export function checkCombination({
  engine,
  threads,
  norm,
  batch,
  wide,
}: Pick<RunSettings, 'engine' | 'threads' | 'norm' | 'batch'> & { wide: boolean }): void {
  if (engine === 'tape' && threads > 1)
    throw new OptionError(`--threads ${threads}: the tape runs on one thread`);
  if (engine === 'tape' && wide) throw new OptionError('--wide: the tape has no vectors');
  if (norm === 'batch' && batch < 2)
    throw new OptionError(`--batch ${batch}: --norm batch needs a batch of at least 2`);
}

export function addSettings(command: Command, names: readonly SettingName[]): Command {
  for (const name of names) {
    const { flags, help, initial, choices, parse, problem } = SETTINGS[name];
    const option = new Option(flags, help);
    if (initial !== null && name !== 'direct') option.default(initial);
    if (choices) option.choices(choices);
    if (parse) option.argParser(checked(parse, problem));
    command.addOption(option);
  }
  return command;
}

/** No setting of a run, whose bits are the same with and without, but a matter of the machine. */
export const wideOption = () =>
  new Option(
    '--wide',
    'vectors of 256 bits where this Node.js has them (24 or later, x64): tried in a process of their own first, used where right and faster',
  );

/** An option that is no setting of a run. */
export function wholeOption(flags: string, help: string, least: number, most: number): Option {
  const { problem } = whole(flags, help, 0, least, most);
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

/** The step from which a run trains with a tenth of its learning rate. */
export function decayStep({ lrDecayAt, steps }: Pick<RunSettings, 'lrDecayAt' | 'steps'>): number {
  return lrDecayAt ?? Math.round(steps * DECAY_AFTER);
}

/** Text that is a decimal number, else NaN: Number() would take '' and '0x10' too. */
export function toNumber(text: string): number {
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}
