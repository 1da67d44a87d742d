import type { Node } from '../graph/graph.js';
import type { Kernel } from '../schedule/kernel.js';
import { plus } from './code.js';
import type { Body } from './nest.js';

// Kernels as functions. What a kernel does follows from its loops, strides and tiling; where its buffers lie does not
// matter to that. So kernels that differ in addresses alone are one function, which gets them as parameters.

/** How the text of a kernel names the addresses in its buffers. */
export interface Addresses {
  /** The address of an element of a node: a constant of the module and what lies before it, or a parameter of the function. */
  of(node: Node, element?: number): string;
  /** What names begin with that belong to it: small letters, unlike those of constants. */
  stem(node: Node, element?: number): string;
  /** The addresses that are parameters, in their order. */
  readonly parameters: readonly string[];
}

/** A kernel where a step runs it. */
export interface Use {
  readonly kernel: Kernel;
  /** What the names begin with that it makes if no other kernel has its program: `kernel_0_3`. */
  readonly stem: string;
  /** The constant that holds the address of a node. */
  constant(node: Node): string;
  /** Its program; functions that it calls have names that begin with `stem`. */
  emit(stem: string, addresses: Addresses): Body;
}

export interface KernelFunction {
  readonly name: string;
  readonly body: Body;
  /** Names of the addresses that it is called with. */
  readonly parameters: readonly string[];
  /** The kernels that call it, in running order. */
  readonly uses: readonly Use[];
}

export interface KernelCall {
  readonly to: KernelFunction;
  readonly addresses: readonly string[];
}

/** The function that each kernel calls; with `share` those of the same program call the same. */
export function functionsOf(uses: readonly Use[], share: boolean): Map<Use, KernelCall> {
  const calls = new Map<Use, KernelCall>();
  let shared = 0;
  for (const group of share ? samePrograms(uses) : uses.map((use) => [{ use, constants: [] }])) {
    const [{ use, constants }] = group;
    const alone = group.length === 1;
    const stem = alone ? use.stem : `shared_${shared++}`;
    // What lies at the same place for all stays a literal.
    const varying = constants.map((constant, slot) => group.some((one) => one.constants[slot] !== constant));
    const addresses = alone ? literal(use) : new Slots(use, varying);
    const body = use.emit(stem, addresses);
    const name = `${stem}_${use.kernel.name}`;
    const to = { name, body, parameters: addresses.parameters, uses: group.map((one) => one.use) };
    for (const one of group)
      calls.set(one.use, { to, addresses: one.constants.filter((_, i) => varying[i]) });
  }
  return calls;
}

/** A kernel with the addresses that its program asks for, in that order. */
interface Bound {
  readonly use: Use;
  readonly constants: readonly string[];
}

/** Kernels by program, in the order of their first uses. */
function samePrograms(uses: readonly Use[]): Bound[][] {
  const groups = new Map<string, Bound[]>();
  for (const use of uses) {
    const slots = new Slots(use);
    const { lines, units, functions } = use.emit('kernel', slots);
    const program = [String(units), ...lines, ...(functions ?? []).flat()].join('\n');
    const group = groups.get(program) ?? [];
    group.push({ use, constants: slots.constants });
    groups.set(program, group);
  }
  return [...groups.values()];
}

function literal(use: Use): Addresses {
  return {
    of: (node, element) => addressIn(use, node, element),
    stem: (node) => use.constant(node).toLowerCase(),
    parameters: [],
  };
}

function addressIn(use: Use, node: Node, element = 0): string {
  return plus(use.constant(node), 4 * element);
}

/** Addresses by number, as they are asked for; those of `varying`, or all, are parameters. */
class Slots implements Addresses {
  readonly constants: string[] = [];
  readonly parameters: string[] = [];
  private readonly names: string[] = [];

  constructor(
    private readonly use: Use,
    private readonly varying?: readonly boolean[],
  ) {}

  of(node: Node, element?: number): string {
    return this.names[this.slot(node, element)];
  }

  stem(node: Node, element?: number): string {
    const slot = this.slot(node, element);
    return this.isParameter(slot) ? this.names[slot] : this.use.constant(node).toLowerCase();
  }

  private isParameter(slot: number): boolean {
    return this.varying?.[slot] ?? true;
  }

  private slot(node: Node, element?: number): number {
    const constant = addressIn(this.use, node, element);
    const known = this.constants.indexOf(constant);
    if (known >= 0) return known;
    const slot = this.constants.push(constant) - 1;
    const name = this.isParameter(slot) ? `buffer${this.parameters.length}` : constant;
    if (this.isParameter(slot)) this.parameters.push(name);
    this.names.push(name);
    return slot;
  }
}
