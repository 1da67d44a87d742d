import { shown } from '../check.js';
import { GraphError } from '../errors.js';
import { located } from '../source.js';
import { Tensor, toTensor } from './tensor.js';

/** Tensors in arrays and objects, to any depth. */
export type Nest = Tensor | readonly Nest[] | { readonly [key: string]: Nest };

/** The same nest with any tensors in the places of these. */
export type TensorsOf<N> = N extends Tensor ? Tensor : { [K in keyof N]: TensorsOf<N[K]> };

/** A tensor of a nest, and where it stands: `carry.h`, `inputs[0]`. */
export interface Leaf {
  readonly path: string;
  readonly tensor: Tensor;
}

/** The tensors of a nest in order; what is none is refused by its path. */
export function leavesOf(what: string, path: string, nest: unknown, around: readonly unknown[] = []): Leaf[] {
  if (nest instanceof Tensor) return [{ path, tensor: toTensor(nest) }];
  if (around.includes(nest))
    throw new GraphError(located(`${what}: ${path} is what it stands in: tensors in a ring have no order`));
  const inner = (place: string, item: unknown) => leavesOf(what, `${path}${place}`, item, [...around, nest]);
  if (Array.isArray(nest)) return nest.flatMap((item, i) => inner(`[${i}]`, item));
  const plain = typeof nest === 'object' && nest !== null && Object.getPrototypeOf(nest) === Object.prototype;
  if (plain) return Object.entries(nest).flatMap(([key, item]) => inner(`.${key}`, item));
  throw new GraphError(
    located(`${what}: ${path} must be a tensor, or arrays and objects of tensors, got ${shown(nest)}`),
  );
}

/** A nest of the form of this one, with these tensors in order. */
export function nestOf(form: Nest, tensors: readonly Tensor[]): unknown {
  let at = 0;
  const build = (nest: Nest): unknown => {
    if (nest instanceof Tensor) return tensors[at++];
    if (Array.isArray(nest)) return nest.map(build);
    return Object.fromEntries(Object.entries(nest).map(([key, item]) => [key, build(item as Nest)]));
  };
  return build(form);
}
