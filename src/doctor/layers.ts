import { isInput, type Node } from '../graph/graph.js';
import type { Parameter, Patient } from './patient.js';
import { at } from './words.js';

/** A product of activations and weights, or rows that are looked up in a table. */
export interface Layer {
  readonly node: Node;
  /** What goes in: activations, or indices. */
  readonly input: Node;
  /** The parameter that the weights are made of. */
  readonly weight: Parameter;
  /** The operand itself: the parameter, or what is made of parameters and numbers alone. */
  readonly operand: Node;
}

const layersOf = new WeakMap<Patient, Layer[]>();

/** The layers of a model in the order in which they run, embeddings among them. */
export function layers(patient: Patient): Layer[] {
  let found = layersOf.get(patient);
  if (found) return found;
  const owners = weightOwners(patient);
  found = patient.forward.flatMap((node) => {
    if (node.op.lower.kind !== 'matmul' && node.op.lower.kind !== 'gather') return [];
    const [a, b] = node.inputs;
    if (node.op.lower.kind === 'gather') {
      const weight = owners.get(a);
      return weight ? [{ node, input: b, weight, operand: a }] : [];
    }
    const [left, right] = [owners.get(a), owners.get(b)];
    if (right && !left) return [{ node, input: a, weight: right, operand: b }];
    return left && !right ? [{ node, input: b, weight: left, operand: a }] : [];
  });
  layersOf.set(patient, found);
  return found;
}

/** For each node that is made of parameters and numbers alone: the parameter that its elements come from. */
function weightOwners({ forward, parameters }: Patient): Map<Node, Parameter> {
  const owners = new Map<Node, Parameter>(parameters.map((p) => [p.node, p]));
  const fixed = new Set<Node>(owners.keys());
  for (const node of forward) {
    if (fixed.has(node) || isInput(node) || node.inputs.some((input) => !fixed.has(input))) continue;
    fixed.add(node);
    const owner = node.inputs.map((input) => owners.get(input)).find((o) => o);
    if (owner) owners.set(node, owner);
  }
  return owners;
}

/** The nearest layers that a node is computed from, last first. */
export function layersBefore(patient: Patient, node: Node): Layer[] {
  const byNode = new Map(layers(patient).map((layer) => [layer.node, layer]));
  const seen = new Set<Node>([node]);
  const found: Layer[] = [];
  for (const next of seen) {
    const layer = next === node ? undefined : byNode.get(next);
    if (layer) found.push(layer);
    else for (const input of next.inputs) seen.add(input);
  }
  return found;
}

/**
 * The longest row of matrix products, each of which has what the first one gives behind all of its input: what lies
 * in the branches of residual connections or beside others is left out.
 */
export function chainOf(patient: Patient): Layer[] {
  const products = layers(patient).filter(({ node }) => node.op.lower.kind === 'matmul');
  const { forward, loss } = patient;
  // The numbers of ways to the loss; a node is on all ways from another if the ways over it are all there are.
  const onwards = new Map<Node, bigint>(forward.map((node) => [node, node === loss ? 1n : 0n]));
  for (const node of [...forward].reverse())
    for (const input of node.inputs) onwards.set(input, onwards.get(input)! + onwards.get(node)!);
  const from = (first: Layer) => {
    const ways = new Map<Node, bigint>();
    for (const node of forward) {
      const over = node.inputs.reduce((n, input) => n + ways.get(input)!, 0n);
      ways.set(node, node === first.node ? 1n : over);
    }
    const all = onwards.get(first.node)!;
    const inAll = ({ input }: Layer) => ways.get(input)! * onwards.get(input)! === all;
    return [first, ...products.filter((layer) => layer !== first && inAll(layer))];
  };
  return products.map(from).reduce((a, b) => (b.length > a.length ? b : a), []);
}

/** `the tanh after hidden.weight (model.ts:9)`: what a reader can find in the model. */
export function placeOf(patient: Patient, node: Node, what: string = node.op.name): string {
  const [layer] = layersBefore(patient, node);
  return layer ? `the ${what} after ${named(layer.weight)}` : `the ${what}`;
}

/** `hidden.weight (model.ts:9)`. */
export const named = ({ name, variable }: Pick<Parameter, 'name' | 'variable'>): string =>
  `${name}${at(variable.madeAt)}`;
