import { decodeSafetensors, encodeSafetensors, storedTensor, type Tensors } from '../data/safetensors.js';
import { DataError } from '../errors.js';
import { numel } from '../shape.js';
import { convert } from '../train/columns.js';
import type { VariableDescription } from '../train/description.js';

/**
 * A checkpoint's tensors that the model needs, as a checkpoint of their own. An optimizer's state that the file
 * lacks is added as it begins, since other tools write parameters alone.
 */
export function checkWeights(
  file: Uint8Array,
  variables: readonly VariableDescription[],
  initial: ReadonlyMap<string, Float32Array | Int32Array>,
  notes: string[],
): Uint8Array {
  const names: string[] = [];
  const { tensors, metadata } = decodeSafetensors(file, (name) => {
    names.push(name);
    return variables.some((variable) => variable.name === name);
  });
  const kept: Tensors = new Map();
  const added: string[] = [];
  for (const { name, role, shape, dtype } of variables) {
    const found = tensors.get(name);
    if (found && found.shape.join() !== shape.join())
      throw new DataError(`weights: ${name} is [${found.shape}], the model has [${shape}]`);
    if (!found && (role === 'parameter' || !name.startsWith('optimizer.'))) {
      throw new DataError(
        `weights: ${name} is missing: they are of another model (which has ${names.join(', ')})`,
      );
    }
    if (!found) added.push(name);
    const values = found
      ? convert(`weights: ${name}`, found.data, { shape, dtype }, numel(shape))
      : initial.get(name)!;
    const data = values instanceof Int32Array ? values : Float32Array.from(values);
    kept.set(name, storedTensor(shape, data));
  }
  if (added.length)
    notes.push(`the weights hold no ${added.join(', ')}: training begins with the optimizer's own`);
  return encodeSafetensors(kept, metadata);
}
