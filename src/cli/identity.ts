import { createHash } from 'node:crypto';
import { isObject } from '../check.js';
import { DataError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { printGraph } from '../graph/print.js';
import type { AnyTrainStep } from '../run/train-step.js';
import { formatType, type TensorType } from '../shape.js';
import { LEARNING_RATE } from '../train/description.js';
import type { Kept } from './kinds/kind.js';

/** What the step of a model file is, so that a run does not go on with another. As `config.json` keeps it. */
export interface Identity extends Kept {
  readonly file: string;
  readonly step: string;
  readonly optimizer: string;
  /** Names and types, as in `f32[32, 3]`. */
  readonly batch: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  /** How many nodes of an op the training step has. */
  readonly ops: Readonly<Record<string, number>>;
  /** Of the training step as a graph, without the user's lines. */
  readonly sha256: string;
}

export function identityOf(file: string, name: string, step: AnyTrainStep): Identity {
  const { program, description, definition } = step;
  const named = (list: readonly (TensorType & { name: string })[]) =>
    Object.fromEntries(list.map(({ name, shape, dtype }) => [name, formatType({ shape, dtype })]));
  const { train } = program.entries;
  return identity({
    file,
    step: name,
    optimizer: definition.options.optimizer.name,
    batch: named(description.entries.train.inputs.filter((input) => input.name !== LEARNING_RATE)),
    variables: named(description.variables),
    ops: countsOf(train),
    sha256: createHash('sha256')
      .update(printGraph({ ...train, name: 'train' }, { where: false }))
      .digest('hex'),
  });
}

const identity = (fields: Omit<Identity, 'toJSON'>): Identity => ({ ...fields, toJSON: () => fields });

function countsOf({ nodes }: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of nodes) counts[op.name] = (counts[op.name] ?? 0) + 1;
  return counts;
}

/** What `toJSON` wrote, which a stranger may have written too. Throws DataError. */
export function identityFrom(json: unknown): Identity {
  const isText = (value: unknown): value is string => typeof value === 'string';
  const isTable = (value: unknown, fits: (x: unknown) => boolean) =>
    isObject(value) && Object.values(value).every(fits);
  const fits =
    isObject(json) &&
    [json.file, json.step, json.optimizer, json.sha256].every(isText) &&
    [json.batch, json.variables].every((table) => isTable(table, isText)) &&
    isTable(json.ops, Number.isInteger);
  if (!fits) throw new DataError('model does not say which training step was trained; the file is damaged');
  return identity(json as unknown as Omit<Identity, 'toJSON'>);
}

/** What differs between the step that a run was begun with and the one that is there now, or null. */
export function difference(before: Identity, now: Identity): string | null {
  if (before.sha256 === now.sha256 && before.optimizer === now.optimizer) {
    return tableDifference('', before.variables, now.variables);
  }
  const batch = tableDifference("the batch's ", before.batch, now.batch);
  if (batch) return batch;
  if (before.optimizer !== now.optimizer)
    return `the optimizer was ${before.optimizer} and is ${now.optimizer}`;
  const variable = tableDifference('', before.variables, now.variables);
  if (variable) return variable;
  const names = [...new Set([...Object.keys(before.ops), ...Object.keys(now.ops)])];
  const ops = names.flatMap((name) => {
    const more = (now.ops[name] ?? 0) - (before.ops[name] ?? 0);
    return more === 0 ? [] : [`${Math.abs(more)} ${name} ${more > 0 ? 'more' : 'fewer'}`];
  });
  if (ops.length > 6) ops.splice(5, ops.length, `${ops.length - 5} other changes`);
  return ops.length > 0
    ? `the step computes something else: ${ops.join(', ')}`
    : 'the step computes something else: the same operations with another constant, or in another order';
}

function tableDifference(
  what: string,
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string | null {
  for (const [name, type] of Object.entries(before)) {
    if (!Object.hasOwn(now, name)) return `${what}${name}, ${type}, is not there any more`;
    if (now[name] !== type) return `${what}${name} was ${type} and is ${now[name]}`;
  }
  const added = Object.keys(now).find((name) => !Object.hasOwn(before, name));
  return added === undefined ? null : `${what}${added}, ${now[added]}, is new`;
}
