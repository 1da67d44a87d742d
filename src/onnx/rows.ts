import { TrainStep } from '../run/train-step.js';
import type { Types, Use } from '../train/step.js';
import { type OnnxGraph, type OnnxNode, type OnnxTensor, ROWS } from './model.js';
import { isGraph } from './writer.js';

// An entry is traced for one number of rows. Where what it makes differs between two such numbers in sizes of reshapes alone,
// these are left open, and the file takes any.

type AnyUse = Use<unknown, Types>;

/** The step with an entry of the user's for so many rows; null where it is not one of rows. */
export function withRows(step: TrainStep, entry: string, rows: number): TrainStep | null {
  const { uses, options } = step.definition;
  const use = uses.get(entry) as AnyUse | undefined;
  const types = Object.entries(use?.inputs ?? {});
  const [first] = types;
  if (!use || !first || types.some(([, { shape }]) => shape.length === 0 || shape[0] !== first[1].shape[0]))
    return null;
  const inputs = Object.fromEntries(
    types.map(([name, { dtype, shape }]) => [name, { dtype, shape: [rows, ...shape.slice(1)] }]),
  );
  const changed = { ...use, inputs };
  const { entries = {} } = options as { entries?: Record<string, AnyUse> };
  const more = entry === 'predict' ? { predict: changed } : { entries: { ...entries, [entry]: changed } };
  return new TrainStep({ ...options, ...more } as ConstructorParameters<typeof TrainStep>[0]);
}

/** Of the same entry for two numbers of rows the graph for any; null where they differ in more than sizes of reshapes. */
export function anyRows(a: OnnxGraph, b: OnnxGraph, rows: readonly [number, number]): OnnxGraph | null {
  const [inA, inB] = [a, b].map(({ tensors }) => new Map(tensors.map((tensor) => [tensor.name, tensor])));
  const values = [a.inputs, a.outputs].flat();
  const others = [b.inputs, b.outputs].flat();
  const isOfRows = ({ shape }: (typeof values)[number], i: number) =>
    shape[0] === rows[0] &&
    others[i].shape[0] === rows[1] &&
    shape.slice(1).join() === others[i].shape.slice(1).join();
  if (a.nodes.length !== b.nodes.length || values.length !== others.length || !values.every(isOfRows))
    return null;
  const same = new Map(values.map(({ name }, i) => [name, others[i].name]));
  const open = new Map<string, OnnxTensor>();
  const taken = new Set([...values, ...a.tensors].map(({ name }) => name));
  const nodes: OnnxNode[] = [];
  for (const [i, node] of a.nodes.entries()) {
    const other = b.nodes[i];
    if (!isAlike(node, other)) return null;
    const inputs: string[] = [];
    for (const [k, name] of node.inputs.entries()) {
      const [x, y] = [inA.get(name), inB.get(other.inputs[k])];
      if (!x || !y) {
        if (x || y || same.get(name) !== other.inputs[k]) return null;
        inputs.push(name);
      } else if (isEqual(x, y)) inputs.push(name);
      else {
        const left = node.op === 'Reshape' && k === 1 ? leftOpen(x, y, taken) : null;
        if (!left) return null;
        open.set(left.name, left);
        inputs.push(left.name);
      }
    }
    node.outputs.forEach((name, k) => {
      same.set(name, other.outputs[k]);
    });
    nodes.push({ ...node, inputs });
  }
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const anyOf = ({ name, type, shape }: (typeof values)[number]) => ({
    name,
    type,
    shape: [ROWS, ...shape.slice(1)],
  });
  return {
    ...a,
    inputs: a.inputs.map(anyOf),
    outputs: a.outputs.map(anyOf),
    tensors: [...a.tensors, ...open.values()].filter(({ name }) => read.has(name)),
    nodes,
  };
}

/** Whether two nodes are the same op with the same attributes; of those with a graph inside it is not looked into. */
function isAlike(a: OnnxNode, b: OnnxNode): boolean {
  if (a.op !== b.op || a.inputs.length !== b.inputs.length || a.outputs.length !== b.outputs.length)
    return false;
  if (Object.values(a.attributes).some(isGraph)) return false;
  return JSON.stringify(a.attributes) === JSON.stringify(b.attributes);
}

function isEqual(a: OnnxTensor, b: OnnxTensor): boolean {
  if (a.type !== b.type || a.shape.join() !== b.shape.join() || a.data.length !== b.data.length) return false;
  for (let i = 0; i < a.data.length; i++) if (!Object.is(a.data[i], b.data[i])) return false;
  return true;
}

/** A shape with the one size open that the rows decide; null where that are several, or where a size is 0. */
function leftOpen(a: OnnxTensor, b: OnnxTensor, taken: ReadonlySet<string>): OnnxTensor | null {
  if (a.data.length !== b.data.length) return null;
  const sizes = Array.from(a.data);
  const open = sizes.map((n, i) => (n === b.data[i] ? n : -1));
  if (open.filter((n) => n === -1).length !== 1 || open.includes(0)) return null;
  let name = `shape_${open.join('_').replace('-1', ROWS)}`;
  // A name of the user's may be the same.
  while (taken.has(name)) name += '_';
  return { ...a, name, data: open };
}
