import { parseArgs } from 'node:util';
import { text as textKind } from '../../src/cli/kinds/text.js';

export interface Options {
  mode: 'compare' | 'text' | 'digits';
  /** In Node alone, without a page. */
  node: boolean;
  json: boolean;
  only: string[];
  rounds: number;
  seconds: number;
  threads: number;
  minutes: number;
  steps: number | null;
  every: number;
  /** From 0 to 1. */
  share: number;
  seed: number;
  data: string | null;
  out: string;
  /** Of another model of texts than the usual one. */
  model: Partial<Record<(typeof SIZES)[number], number>>;
}

const SIZES = ['context', 'layers', 'heads', 'dim', 'batch'] as const;

/** What the command line asks for; ends the process where that is wrong. */
export function options(args: string[]): Options {
  try {
    return readOptions(args);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}

/** The same; throws where that is wrong. */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      text: { type: 'boolean', default: false },
      digits: { type: 'boolean', default: false },
      node: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      only: { type: 'string', default: 'W1,W2,W3,W6-tiny' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '1' },
      threads: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '10' },
      steps: { type: 'string' },
      every: { type: 'string', default: '50' },
      percent: { type: 'string', default: '98' },
      seed: { type: 'string', default: '42' },
      data: { type: 'string' },
      out: { type: 'string', default: 'build/bench/text' },
      ...(Object.fromEntries(SIZES.map((name) => [name, { type: 'string' }])) as Record<
        (typeof SIZES)[number],
        { type: 'string' }
      >),
    },
  });
  const whole = (name: keyof typeof values, least: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least) return value;
    throw new Error(`--${name}: expected a whole number from ${least}, got ${values[name]}`);
  };
  const above = (name: keyof typeof values) => {
    const value = Number(values[name]);
    if (value > 0 && Number.isFinite(value)) return value;
    throw new Error(`--${name}: expected a number above 0, got ${values[name]}`);
  };
  const { text, digits, node, json, only, data = null, out } = values;
  if (text && digits) throw new Error('--text and --digits are two runs: give one of them');
  if (node && !text && !digits)
    throw new Error('--node goes with --text or --digits: a comparison needs both');
  const model = Object.fromEntries(
    SIZES.flatMap((name) => (values[name] === undefined ? [] : [[name, whole(name, 1)]])),
  );
  textKind.check({ ...textKind.initial, ...model });
  return {
    mode: text ? 'text' : digits ? 'digits' : 'compare',
    ...{ node, json, data, out },
    only: only.split(','),
    rounds: whole('rounds', 1),
    seconds: above('seconds'),
    threads: whole('threads', 1),
    minutes: above('minutes'),
    steps: values.steps === undefined ? null : whole('steps', 1),
    every: whole('every', 1),
    share: above('percent') / 100,
    seed: whole('seed', 0),
    model,
  };
}
