import { TrainStep } from '../run/train-step.js';
import type { Types, Use } from '../train/step.js';
import { type OnnxGraph, type OnnxNode, type OnnxTensor, type OnnxValue, ROWS } from './model.js';
import { isGraph, readBy } from './writer.js';

// An entry is traced for one number of rows. Where what it makes differs between two such numbers in sizes of reshapes alone,
// and of what is repeated for each row, these follow from the input, and the file takes any.

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

/** Of the same entry for two numbers of rows the graph for any; null where they differ in more than sizes that rows decide. */
export function anyRows(a: OnnxGraph, b: OnnxGraph, rows: readonly [number, number]): OnnxGraph | null {
  const [inputs, outputs] = [opened(a.inputs, b.inputs, rows), opened(a.outputs, b.outputs, rows)];
  if (!inputs || !outputs || ![...inputs, ...outputs].every(({ shape }) => isOfRows(shape))) return null;
  const one = new Joined(a, b, rows);
  const nodes = one.nodes(a.nodes, b.nodes);
  if (!nodes) return null;
  const all = [...one.shapes, ...nodes];
  const read = new Set(all.flatMap(readBy));
  const tensors = [...a.tensors, ...one.tensors].filter(({ name }) => read.has(name));
  return { ...a, inputs, outputs, tensors, nodes: all };
}

/** Whether rows are the first size alone. */
const isOfRows = (shape: OnnxValue['shape']) => shape.indexOf(ROWS) === 0 && shape.lastIndexOf(ROWS) === 0;

/** Values of two graphs as one, their sizes open that are the rows; null where others differ. */
function opened(
  a: readonly OnnxValue[],
  b: readonly OnnxValue[],
  [first, second]: readonly [number, number],
): OnnxValue[] | null {
  if (a.length !== b.length) return null;
  const made: OnnxValue[] = [];
  for (const [i, { name, type, shape }] of a.entries()) {
    const other = b[i].shape;
    const isAlike = (n: number | string, k: number) => n === other[k] || (n === first && other[k] === second);
    if (shape.length !== other.length || !shape.every(isAlike)) return null;
    made.push({ name, type, shape: shape.map((n, k) => (n === other[k] ? n : ROWS)) });
  }
  return made;
}

/** The nodes of two graphs as one. */
class Joined {
  /** Shapes with an open size. */
  readonly tensors: OnnxTensor[] = [];
  /** What makes shapes of the number of rows, in front of all nodes. */
  readonly shapes: OnnxNode[] = [];
  /** What values of the one are called in the other. */
  private readonly same: Map<string, string>;
  private readonly taken: Set<string>;
  private readonly known = new Map<string, string>();
  private readonly tensorsOf: readonly ReadonlyMap<string, OnnxTensor>[];

  constructor(
    private readonly a: OnnxGraph,
    b: OnnxGraph,
    private readonly rows: readonly [number, number],
  ) {
    this.tensorsOf = [a, b].map(({ tensors }) => new Map(tensors.map((tensor) => [tensor.name, tensor])));
    this.same = new Map(a.inputs.map(({ name }, i) => [name, b.inputs[i].name]));
    this.taken = new Set([...a.inputs, ...a.outputs, ...a.tensors].map(({ name }) => name));
    for (const name of a.nodes.flatMap(namesOf)) this.taken.add(name);
  }

  /** Null where they differ in more than sizes that rows decide. */
  nodes(a: readonly OnnxNode[], b: readonly OnnxNode[]): OnnxNode[] | null {
    if (a.length !== b.length) return null;
    const made: OnnxNode[] = [];
    for (const [i, node] of a.entries()) {
      const one = this.node(node, b[i]);
      if (!one) return null;
      made.push(one);
    }
    return made;
  }

  private node(node: OnnxNode, other: OnnxNode): OnnxNode | null {
    const counts = ({ inputs, outputs }: OnnxNode) => `${inputs.length} ${outputs.length}`;
    if (node.op !== other.op || counts(node) !== counts(other)) return null;
    const inputs: string[] = [];
    for (const [k, name] of node.inputs.entries()) {
      const found = this.input(node, k, name, other.inputs[k]);
      if (found === null) return null;
      inputs.push(found);
    }
    const attributes = this.attributes(node, other);
    node.outputs.forEach((name, k) => {
      this.same.set(name, other.outputs[k]);
    });
    return attributes && { ...node, inputs, attributes };
  }

  private attributes(node: OnnxNode, other: OnnxNode): OnnxNode['attributes'] | null {
    if (Object.keys(node.attributes).length !== Object.keys(other.attributes).length) return null;
    const made: Record<string, OnnxNode['attributes'][string]> = {};
    for (const [name, value] of Object.entries(node.attributes)) {
      const its = other.attributes[name];
      if (isGraph(value) && its !== undefined && isGraph(its)) {
        const body = this.body(value.body as OnnxGraph, its.body as OnnxGraph);
        if (!body) return null;
        made[name] = { body };
      } else if (JSON.stringify(value) === JSON.stringify(its)) made[name] = value;
      else return null;
    }
    return made;
  }

  private body(a: OnnxGraph, b: OnnxGraph): OnnxGraph | null {
    const [inputs, outputs] = [
      opened(a.inputs, b.inputs, this.rows),
      opened(a.outputs, b.outputs, this.rows),
    ];
    a.inputs.forEach(({ name }, i) => {
      this.same.set(name, b.inputs[i]?.name);
    });
    const nodes = this.nodes(a.nodes, b.nodes);
    return inputs && outputs && nodes && { ...a, inputs, outputs, nodes };
  }

  /** What a node for any number of rows reads; null where there is none. */
  private input({ op, where }: OnnxNode, place: number, name: string, other: string): string | null {
    const [x, y] = [this.tensorsOf[0].get(name), this.tensorsOf[1].get(other)];
    if (!x || !y) return x || y || this.same.get(name) !== other ? null : name;
    if (isEqual(x, y)) return name;
    if (place !== 1 || x.data.length !== y.data.length) return null;
    const sizes = Array.from(x.data);
    const at = sizes.findIndex((n, i) => n !== y.data[i]);
    if (sizes.some((n, i) => i !== at && n !== y.data[i])) return null;
    if (op === 'Reshape') return this.leftOpen(x, sizes, at);
    const isRows = sizes[at] === this.rows[0] && y.data[at] === this.rows[1];
    return op === 'Expand' && isRows ? this.ofRows(x, sizes, { at, where }) : null;
  }

  /** A shape of which a reshape finds one size itself; null where another is 0, with which it cannot. */
  private leftOpen(x: OnnxTensor, sizes: readonly number[], at: number): string | null {
    if (sizes.includes(0)) return null;
    const data = sizes.map((n, i) => (i === at ? -1 : n));
    return this.once(`shape_${data.join('_').replace('-1', ROWS)}`, (name) => {
      this.tensors.push({ ...x, name, data });
    });
  }

  /** A shape that is made of the first input's rows. */
  private ofRows(
    x: OnnxTensor,
    sizes: readonly number[],
    { at, where }: { at: number; where: string },
  ): string {
    const rows = this.once('row_count', (name) => {
      const [{ name: input }] = this.a.inputs;
      const attributes = { start: 0, end: 1 };
      this.shapes.push({ op: 'Shape', inputs: [input], outputs: [name], attributes, where });
    });
    const part = (data: readonly number[]) =>
      data.length === 0
        ? []
        : [
            this.once(`sizes_${data.join('_')}`, (name) => {
              this.tensors.push({ ...x, name, shape: [data.length], data });
            }),
          ];
    return this.once(`expand_${sizes.map((n, i) => (i === at ? ROWS : n)).join('_')}`, (name) => {
      const inputs = [...part(sizes.slice(0, at)), rows, ...part(sizes.slice(at + 1))];
      this.shapes.push({ op: 'Concat', inputs, outputs: [name], attributes: { axis: 0 }, where });
    });
  }

  /** What is made once, under a name that the user's may not be. */
  private once(base: string, make: (name: string) => void): string {
    const known = this.known.get(base);
    if (known !== undefined) return known;
    let name = base;
    while (this.taken.has(name)) name += '_';
    this.taken.add(name);
    this.known.set(base, name);
    make(name);
    return name;
  }
}

/** What a node and its bodies make. */
function namesOf({ outputs, attributes }: OnnxNode): string[] {
  const bodies = Object.values(attributes).filter(isGraph);
  return [...outputs, ...bodies.flatMap(({ body }) => (body as OnnxGraph).nodes.flatMap(namesOf))];
}

function isEqual(a: OnnxTensor, b: OnnxTensor): boolean {
  if (a.type !== b.type || a.shape.join() !== b.shape.join() || a.data.length !== b.data.length) return false;
  for (let i = 0; i < a.data.length; i++) if (!Object.is(a.data[i], b.data[i])) return false;
  return true;
}
