import { type Graph, inputAttrs, isInput, makeInput, type Node } from '../../src/graph/graph.js';

/** Names that mean something in what the compiler emits, in AssemblyScript, in JavaScript's objects or in a terminal. */
export const AWKWARD_NAMES: readonly string[] = [
  ...[
    'a',
    'b',
    'i',
    'j',
    'k',
    'i0',
    'j0',
    'a0',
    'b0',
    'c0_0',
    'p',
    'w',
    'w_3',
    'w_2',
    'row',
    'left',
    'right',
    'to',
  ],
  ...[
    'begin',
    'end',
    'top',
    'bottom',
    'first',
    'last',
    'panel',
    'packed',
    'sums',
    'steps',
    'seed',
    'loss',
    'from0',
  ],
  ...[
    'in',
    'new',
    'this',
    'default',
    'let',
    'of',
    'class',
    'export',
    'function',
    'null',
    'true',
    'NaN',
    'Infinity',
  ],
  ...[
    'min',
    'max',
    'run',
    'work',
    'join',
    'dismiss',
    'load',
    'store',
    'memory',
    'exp4',
    'barrier',
    'thread',
    'scratch',
  ],
  ...[
    'threads',
    'v128',
    'f32x4',
    'usize',
    'multiplyAdd',
    'takePart',
    'rowIndex',
    'poison',
    'mark',
    'trainSteps',
  ],
  ...[
    'VARIABLE_0',
    'INPUT_0_0',
    'ARENA_0_0',
    'variable_0_1',
    'kernel_0_0',
    'step0',
    'runJob',
    'drawBatch',
    'times',
  ],
  ...[
    '*/',
    '/* a */ b',
    '// c',
    'a\nexport function evil(): void {}',
    'quote \' and " and ` $',
    'back\\slash',
  ],
  ...[
    'my-entry',
    'p1',
    'p11',
    '0',
    '1.weight',
    'add.0',
    'add.1',
    'mul.0',
    'layers.0.weight',
    'weight of é',
    '重み',
    '🙂',
  ],
  ...[
    'constructor',
    'toString',
    'hasOwnProperty',
    '\u001b[2J',
    '\u202egnp',
    '\u2028',
    ' ',
    '{',
    '}',
    '@inline',
  ],
];

/** The name number k of a list that goes on without end, each once: no name of the list ends in `~` and a number. */
export function awkwardName(k: number): string {
  const round = Math.floor(k / AWKWARD_NAMES.length);
  return AWKWARD_NAMES[k % AWKWARD_NAMES.length] + (round ? `~${round}` : '');
}

/** A graph whose inputs, variables and outputs have other names. */
export class Disguise {
  private readonly names = new Map<string, string>();

  /** @param first number of the first name that it takes: those of one module must not meet */
  constructor(
    graph: Graph,
    readonly first: number,
  ) {
    for (const name of [
      ...graph.inputs.map((node) => inputAttrs(node).name),
      ...graph.outputs.map((o) => o.name),
    ])
      if (!this.names.has(name)) this.names.set(name, awkwardName(first + this.names.size));
  }

  /** Number of the first name that it does not take. */
  get end(): number {
    return this.first + this.names.size;
  }

  of(name: string): string {
    return this.names.get(name)!;
  }

  put<T>(values: Readonly<Record<string, T>>): Record<string, T> {
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [this.of(name), value]));
  }

  /** The values by their own names again. */
  take<T>(values: Readonly<Record<string, T>>): Record<string, T> {
    const own = [...this.names].filter(([, name]) => Object.hasOwn(values, name));
    return Object.fromEntries(own.map(([name, other]) => [name, values[other]]));
  }

  graph(graph: Graph): Graph {
    const images = new Map<Node, Node>();
    const image = (node: Node) => images.get(node)!;
    for (const node of graph.nodes) {
      const { name, role, shape, dtype } = inputAttrs(node);
      images.set(
        node,
        isInput(node)
          ? makeInput(this.of(name), role, shape, dtype)
          : { ...node, inputs: node.inputs.map(image) },
      );
    }
    return {
      name: graph.name,
      inputs: graph.inputs.map(image),
      nodes: graph.nodes.map(image),
      outputs: graph.outputs.map(({ name, node }) => ({ name: this.of(name), node: image(node) })),
      updates: graph.updates.map((u) => ({ variable: image(u.variable), value: image(u.value) })),
    };
  }
}

/** A disguise for each of some graphs that share a module. */
export function disguises(graphs: readonly Graph[]): Disguise[] {
  const made: Disguise[] = [];
  for (const graph of graphs) made.push(new Disguise(graph, made.at(-1)?.end ?? 0));
  return made;
}

/** The names of a module's entries. */
export function entryName(i: number): string {
  return i % 3 === 2 ? awkwardName(7 * i) : `p${i}`;
}
