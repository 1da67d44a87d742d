import { shown } from '../check.js';
import { decodeSafetensors, encodeSafetensors } from '../data/safetensors.js';
import { DataError, OptionError } from '../errors.js';
import { clipped, shownName } from '../printable.js';
import { numel } from '../shape.js';
import { convert } from './columns.js';
import type { VariableDescription } from './description.js';
import type { Numbers } from './engine.js';

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
  const tensors = new Map(
    variables.map(({ name, shape }) => {
      const data = read(name);
      const dtype = data instanceof Int32Array ? 'I32' : data instanceof Float64Array ? 'F64' : 'F32';
      return [name, { dtype, shape: [...shape], data }] as const;
    }),
  );
  return encodeSafetensors(tensors, {
    ...about,
    format: '2headgrad',
    step: String(step),
    seed: String(seed),
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
 * looked at, and may be of any dtype.
 */
export function decodeCheckpoint(bytes: Uint8Array, variables: readonly VariableDescription[]): Checkpoint {
  const names = new Set(variables.map(({ name }) => name));
  const { tensors, metadata } = decodeSafetensors(bytes, (name) => names.has(name));
  for (const { name, shape } of variables) {
    const tensor = tensors.get(name);
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
