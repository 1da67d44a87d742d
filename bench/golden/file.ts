import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

export interface OptimConfig {
  name: 'sgd' | 'adam' | 'adamw';
  lr: number;
  momentum?: number;
  nesterov?: boolean;
  weight_decay?: number;
  betas?: [number, number];
  eps?: number;
}

export interface BengioConfig {
  model: 'bengio';
  vocab: number;
  context: number;
  embed: number;
  hidden: number;
  batch: number;
  steps: number;
  norm?: 'none' | 'batch' | 'layer';
  /** Of the running statistics of batch norm. */
  momentum?: number;
  /** Of the norm. */
  eps?: number;
  direct?: boolean;
  act?: Activation;
  optim: OptimConfig;
}

export interface MlpConfig {
  model: 'mlp';
  dims: number[];
  act: Activation;
  loss: 'ce' | 'mse';
  batch: number;
  steps: number;
  optim: OptimConfig;
}

const ACTIVATIONS = ['tanh', 'relu', 'gelu', 'sigmoid', 'leaky_relu'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

export interface GptConfig {
  model: 'gpt';
  vocab: number;
  context: number;
  dim: number;
  heads: number;
  layers: number;
  batch: number;
  steps: number;
  optim: OptimConfig;
}

export interface LlamaConfig extends Omit<GptConfig, 'model'> {
  model: 'llama';
  kv_heads: number;
  /** Width inside of the MLP. */
  ffn: number;
  tied?: boolean;
}

export interface RnnConfig {
  model: 'rnn';
  cell: 'rnn' | 'gru' | 'lstm';
  vocab: number;
  context: number;
  embed: number;
  hidden: number;
  layers: number;
  batch: number;
  loss: 'last' | 'all';
  steps: number;
  optim: OptimConfig;
}

export type CnnLayer =
  | {
      conv: number;
      kernel: number;
      stride?: number;
      padding?: number;
      groups?: number;
      bias?: boolean;
    }
  | { norm: 'batch'; momentum?: number }
  | { act: Activation }
  | { pool: 'max' | 'avg'; size: number; stride?: number }
  | { mean: true }
  | { flatten: true }
  | { linear: number }
  | { residual: CnnLayer[] };

export interface CnnConfig {
  model: 'cnn';
  /** Channels, then the sizes of one or two axes of places. */
  image: number[];
  classes: number;
  batch: number;
  layers: CnnLayer[];
  steps: number;
  optim: OptimConfig;
}

export type Config = BengioConfig | MlpConfig | GptConfig | LlamaConfig | RnnConfig | CnnConfig;

/** [sum, sum of squares] of each parameter. */
export type Sums = Record<string, [number, number]>;

export interface GoldenFile {
  name: string;
  config: Config;
  loss: number[];
  firstGradients: Sums;
  final: Sums;
}

/** A golden file that cannot be understood; the message is one line. */
export class FormatError extends Error {}

/** What one value must be, in words, and whether it is. */
interface Rule {
  is: string;
  test(value: unknown): boolean;
  optional?: true;
}

const whole: Rule = { is: 'a whole number from 1', test: (v) => Number.isInteger(v) && (v as number) >= 1 };
const notNegative: Rule = { is: 'a number from 0', test: (v) => Number.isFinite(v) && (v as number) >= 0 };
const count: Rule = { is: 'a whole number from 0', test: (v) => Number.isInteger(v) && (v as number) >= 0 };
const layerList: Rule = { is: 'a list of one layer or more', test: (v) => Array.isArray(v) && v.length > 0 };
const flag: Rule = { is: 'true or false', test: (v) => typeof v === 'boolean' };
const positive: Rule = { is: 'a number above 0', test: (v) => Number.isFinite(v) && (v as number) > 0 };
const fraction: Rule = {
  is: 'a number from 0 to below 1',
  test: (v) => Number.isFinite(v) && (v as number) >= 0 && (v as number) < 1,
};
const share: Rule = {
  is: 'a number from 0 to 1',
  test: (v) => Number.isFinite(v) && (v as number) >= 0 && (v as number) <= 1,
};
const object: Rule = { is: 'an object', test: isObject };
const numbers: Rule = { is: 'a list of numbers', test: (v) => Array.isArray(v) && v.every(Number.isFinite) };
const pairs: Rule = {
  is: 'an object of pairs [sum, sum of squares]',
  test: (v) => isObject(v) && Object.values(v).every((p) => numbers.test(p) && (p as number[]).length === 2),
};
const oneOf = (...names: readonly string[]): Rule => ({
  is: `one of ${names.join(', ')}`,
  test: (v) => names.includes(v as string),
});
const optional = (rule: Rule): Rule => ({
  ...rule,
  test: (v) => v === undefined || v === null || rule.test(v),
  optional: true,
});

const common = { batch: whole, steps: whole, optim: object };

const models: Record<string, Record<string, Rule>> = {
  bengio: {
    ...common,
    vocab: whole,
    context: whole,
    embed: whole,
    hidden: whole,
    norm: optional(oneOf('none', 'batch', 'layer')),
    momentum: optional(share),
    eps: optional(positive),
    direct: optional(flag),
    act: optional(oneOf(...ACTIVATIONS)),
  },
  mlp: {
    ...common,
    dims: {
      is: 'a list of two or more whole numbers from 1',
      test: (v) => Array.isArray(v) && v.length >= 2 && v.every(whole.test),
    },
    act: oneOf(...ACTIVATIONS),
    loss: oneOf('ce', 'mse'),
  },
  gpt: { ...common, vocab: whole, context: whole, dim: whole, heads: whole, layers: whole },
  llama: {
    ...common,
    vocab: whole,
    context: whole,
    dim: whole,
    heads: whole,
    kv_heads: whole,
    layers: whole,
    ffn: whole,
    tied: optional(flag),
  },
  rnn: {
    ...common,
    cell: oneOf('rnn', 'gru', 'lstm'),
    vocab: whole,
    context: whole,
    embed: whole,
    hidden: whole,
    layers: whole,
    loss: oneOf('last', 'all'),
  },
  cnn: {
    ...common,
    image: {
      is: 'channels and one size or two, whole numbers from 1',
      test: (v) => Array.isArray(v) && [2, 3].includes(v.length) && v.every(whole.test),
    },
    classes: whole,
    layers: layerList,
  },
};

const yes: Rule = { is: 'true', test: (v) => v === true };

/** What tells the kind of a layer of a convolutional network comes first. */
const cnnLayers: Record<string, Rule>[] = [
  {
    ...{ conv: whole, kernel: whole, stride: optional(whole) },
    ...{ padding: optional(count), groups: optional(whole), bias: optional(flag) },
  },
  { norm: oneOf('batch'), momentum: optional(share) },
  { act: oneOf(...ACTIVATIONS) },
  { pool: oneOf('max', 'avg'), size: whole, stride: optional(whole) },
  { mean: yes },
  { flatten: yes },
  { linear: whole },
  { residual: layerList },
];

/** Checks each layer of a network, and takes options that are null for options that are not given. */
function withLayers(path: string, layers: readonly unknown[]): unknown[] {
  return layers.map((raw, i) => {
    const at = `${path}[${i}]`;
    if (!isObject(raw)) throw new FormatError(`${at} must be an object, not ${JSON.stringify(raw)}`);
    const layer = withoutNulls(raw);
    const kinds = cnnLayers.map((rules) => Object.keys(rules)[0]);
    const rules = cnnLayers[kinds.findIndex((kind) => kind in layer)];
    if (!rules) throw new FormatError(`${at} is no layer that is known: there are ${kinds.join(', ')}`);
    checkAll(`${at}.`, layer, rules);
    refuseOthers(`${at}.`, layer, Object.keys(rules));
    if ('residual' in layer) return { residual: withLayers(`${at}.residual`, layer.residual as unknown[]) };
    return layer;
  });
}

const betas: Rule = {
  is: 'two numbers from 0 to below 1',
  test: (v) => Array.isArray(v) && v.length === 2 && v.every(fraction.test),
};
const adam = { betas: optional(betas), eps: optional(positive) };

const optimizers: Record<string, Record<string, Rule>> = {
  sgd: { momentum: optional(fraction), nesterov: optional(flag) },
  adam,
  adamw: adam,
};

/** Reads and checks a golden file. Throws a FormatError that says what is wrong with it. */
export function readGolden(path: string): GoldenFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new FormatError(code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`);
  }
  try {
    return parseGolden(JSON.parse(text), basename(path, '.json'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new FormatError('not JSON');
    throw error;
  }
}

export function parseGolden(raw: unknown, fallbackName = 'golden'): GoldenFile {
  if (!isObject(raw)) throw new FormatError('not a JSON object');
  if (!isObject(raw.config)) throw new FormatError('config must be an object');
  const name = typeof raw.name === 'string' ? raw.name : fallbackName;
  const config = withoutNulls(raw.config);
  oneNamed('config.model', config.model, Object.keys(models));
  checkConfig(config);
  const rules = {
    loss_float64: numbers,
    first_step_grad_sum_sumsq_float64: pairs,
    final_sum_sumsq_float64: pairs,
  };
  checkAll('', raw, rules);
  const loss = raw.loss_float64 as number[];
  if (loss.length !== config.steps) {
    throw new FormatError(`loss_float64 has ${loss.length} numbers for ${config.steps} steps`);
  }
  return {
    name,
    config: config as unknown as Config,
    loss,
    firstGradients: raw.first_step_grad_sum_sumsq_float64 as Sums,
    final: raw.final_sum_sumsq_float64 as Sums,
  };
}

function checkConfig(config: Record<string, unknown>): void {
  const rules = models[config.model as string];
  checkAll('config.', config, rules);
  refuseOthers('config.', config, ['model', ...Object.keys(rules)]);
  if (config.model === 'cnn') config.layers = withLayers('config.layers', config.layers as unknown[]);
  config.optim = withoutNulls(config.optim as Record<string, unknown>);
  const optim = config.optim as Record<string, unknown>;
  oneNamed('config.optim.name', optim.name, Object.keys(optimizers));
  const options = {
    lr: notNegative,
    weight_decay: optional(notNegative),
    ...optimizers[optim.name as string],
  };
  checkAll('config.optim.', optim, options);
  refuseOthers('config.optim.', optim, ['name', ...Object.keys(options)]);
}

function checkAll(path: string, values: Record<string, unknown>, rules: Record<string, Rule>): void {
  for (const [key, rule] of Object.entries(rules)) {
    if (values[key] === undefined && !rule.optional) throw new FormatError(`${path}${key} is missing`);
    if (!rule.test(values[key])) {
      throw new FormatError(`${path}${key} must be ${rule.is}, not ${JSON.stringify(values[key])}`);
    }
  }
}

function refuseOthers(path: string, values: Record<string, unknown>, known: string[]): void {
  const unknown = Object.keys(values).find((key) => !known.includes(key));
  if (unknown) throw new FormatError(`${path}${unknown} is not known: there are ${known.join(', ')}`);
}

function oneNamed(path: string, value: unknown, names: string[]): void {
  if (!names.includes(value as string)) {
    throw new FormatError(`${path} must be one of ${names.join(', ')}, not ${JSON.stringify(value)}`);
  }
}

/** An option that is null is one that is not given. */
function withoutNulls(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
