import { shown } from '../check.js';
import { parseJson } from '../data/json.js';
import { decodeSafetensors, encodeSafetensors, storedTensor } from '../data/safetensors.js';
import { DataError, OptionError } from '../errors.js';
import { clipped, shownName } from '../printable.js';
import { numel } from '../shape.js';
import { convert } from './columns.js';
import type { VariableDescription } from './description.js';
import type { Numbers } from './engine.js';
import { describedValues } from './initial.js';

/** Names of parameters that were frozen, in the metadata of the file. */
const FROZEN = 'frozen_parameters';

/** What a checkpoint holds: the variables by name, the number of steps taken, and the seed of the batches, if it says one. */
export interface Checkpoint {
  readonly step: number;
  readonly seed: number | null;
  readonly values: readonly (readonly [name: string, elements: Numbers])[];
}

/** A safetensors file of all variables, as `read` gives them, with the place in the run. */
export function encodeCheckpoint(
  variables: readonly VariableDescription[],
  read: (name: string) => Numbers,
  { step, seed, about }: { step: number; seed: number; about: Readonly<Record<string, string>> },
): Uint8Array {
  const frozen = variables.filter((v) => v.frozen).map(({ name }) => name);
  const tensors = new Map(
    variables.map(({ name, shape }) => [name, storedTensor(shape, read(name))] as const),
  );
  return encodeSafetensors(tensors, {
    ...about,
    format: '2headgrad',
    step: String(step),
    seed: String(seed),
    ...(frozen.length > 0 && { [FROZEN]: JSON.stringify(frozen) }),
  });
}

/** What is restored from; OptionError for anything but bytes. */
export function checkpointBytes(given: Uint8Array | ArrayBuffer): Uint8Array {
  const bytes = given instanceof ArrayBuffer ? new Uint8Array(given) : given;
  if (bytes instanceof Uint8Array) return bytes;
  throw new OptionError(`restore: expected the bytes of a checkpoint, got ${shown(given)}`);
}

/**
 * The same backwards. Throws DataError if the file is not one of this model's; what the model has no variable for is not
 * looked at, and may be of any dtype. Where parameters were frozen that are not so here, the file has none of the optimizer's
 * state for them: then the optimizer begins anew, since what it counts in common would not fit parameters that it has never moved.
 */
export function decodeCheckpoint(bytes: Uint8Array, variables: readonly VariableDescription[]): Checkpoint {
  const names = new Set(variables.map(({ name }) => name));
  const { tensors, metadata } = decodeSafetensors(bytes, (name) => names.has(name));
  const anew = optimizerAnew(variables, (name) => tensors.has(name), metadata[FROZEN]);
  for (const { name, shape } of variables) {
    const tensor = tensors.get(name);
    if (anew.has(name)) continue;
    if (!tensor)
      throw new DataError(`checkpoint: ${shownName(name)} is missing: it was saved from another model`);
    if (tensor.shape.join() !== shape.join()) {
      throw new DataError(`checkpoint: ${shownName(name)} is [${tensor.shape}], the model has [${shape}]`);
    }
  }
  const step = Number(metadata.step ?? 0);
  if (!/^\d+$/.test(metadata.step ?? '0') || !Number.isSafeInteger(step))
    throw new DataError(`checkpoint: ${clipped(metadata.step)} is not a step`);
  const seed = metadata.seed === undefined ? null : Number(metadata.seed);
  if (seed !== null && (!/^\d+$/.test(metadata.seed) || seed > 0xffffffff))
    throw new DataError(`checkpoint: ${clipped(metadata.seed)} is not a seed`);
  const values = variables.map(({ name, role, dtype, shape }) => {
    const begun = anew.get(name);
    if (begun) return [name, begun] as const;
    const { data } = tensors.get(name)!;
    const converted = convert(
      `checkpoint: ${shownName(name)}`,
      data,
      { dtype, shape },
      numel(shape),
      role === 'state' ? 'infinity' : 'nothing',
    );
    return [name, converted] as const;
  });
  return { step, seed, values };
}

/** The optimizer's whole state as it begins, if the file lacks some of it alone because parameters were frozen; else nothing. */
function optimizerAnew(
  variables: readonly VariableDescription[],
  isThere: (name: string) => boolean,
  saidFrozen: string | undefined,
): Map<string, Numbers> {
  const frozen = frozenIn(saidFrozen);
  const optimizers = variables.filter(({ name }) => name.startsWith('optimizer.'));
  const missing = optimizers.filter(({ name }) => !isThere(name));
  // As in optimizer.m.body.weight.
  const isExplained = ({ name }: VariableDescription) => frozen.has(name.split('.').slice(2).join('.'));
  if (missing.length === 0 || !missing.every(isExplained)) return new Map();
  return describedValues(optimizers, 0);
}

function frozenIn(said: string | undefined): Set<string> {
  if (said === undefined) return new Set();
  try {
    const names = parseJson(said);
    if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return new Set(names);
  } catch {
    // Said below.
  }
  throw new DataError(`checkpoint: ${clipped(said)} is not a list of what was frozen`);
}
