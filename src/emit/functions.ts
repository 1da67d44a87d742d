import type { Kernel } from '../kernels/kernel.js';
import { printLoops } from '../loops/print.js';
import type { LoopProgram, Place } from '../loops/program.js';
import { plus } from './code.js';
import { type Body, type Names, printProgram } from './print.js';

// Kernels as functions. What a kernel does is its loop program; where its buffers lie does not matter to that. So kernels
// with equal programs are one function, which gets as parameters the addresses in which they differ.

/** A kernel where a step runs it. */
export interface Use {
  readonly kernel: Kernel;
  readonly program: LoopProgram;
  /** What the names begin with that it makes if no other kernel has its program: `kernel_0_3`. */
  readonly stem: string;
  /** Where a node lies. */
  addressOf(node: Place['node']): Address;
}

/** A constant that holds an address, so many bytes from there, and what is added for each turn of the loops around. */
export interface Address {
  readonly constant: string;
  readonly bytes: number;
  readonly turns: string;
}

export interface KernelFunction {
  readonly name: string;
  readonly body: Body;
  readonly units: number;
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
  for (const group of share ? samePrograms(uses) : uses.map((use) => [use])) {
    const [first] = group;
    const stem = group.length === 1 ? first.stem : `shared_${shared++}`;
    const addresses = new Addresses(group);
    const body = printProgram(first.program, { stem, ...addresses.names });
    const name = `${stem}_${first.kernel.name}`;
    const to = { name, body, units: first.program.units, parameters: addresses.parameters, uses: group };
    group.forEach((use, i) => {
      calls.set(use, { to, addresses: addresses.of(i) });
    });
  }
  return calls;
}

/** Kernels by program, in the order of their first uses. */
function samePrograms(uses: readonly Use[]): Use[][] {
  const groups = new Map<string, Use[]>();
  for (const use of uses) {
    const text = printLoops(use.program);
    const group = groups.get(text) ?? [];
    group.push(use);
    groups.set(text, group);
  }
  return [...groups.values()];
}

/** Where the buffers of a program lie for each of its kernels; what differs has a parameter. */
class Addresses {
  readonly parameters: string[] = [];
  /** For each parameter the addresses of all uses. */
  private readonly lists: (readonly string[])[] = [];
  /** For each buffer the number of its parameter, or null. */
  private readonly numbers: readonly (number | null)[];

  constructor(private readonly group: readonly Use[]) {
    const known = new Map<string, number>();
    this.numbers = group[0].program.buffers.map((_, buffer) => {
      const list = group.map((use) => this.literal(use, buffer));
      // What lies at the same place for all stays a literal; what all have at one place is one parameter.
      const moves = group.some((use) => use.addressOf(use.program.buffers[buffer].node).turns !== '');
      if (!moves && list.every((address) => address === list[0])) return null;
      const key = list.join(', ');
      if (!known.has(key)) known.set(key, this.lists.push(list) - 1);
      return known.get(key)!;
    });
    this.parameters = this.lists.map((_, i) => `buffer${i}`);
  }

  /** Of the parameters for one of the kernels. */
  of(use: number): string[] {
    return this.lists.map((list) => list[use]);
  }

  get names(): Omit<Names, 'stem'> {
    const [first] = this.group;
    const parameter = (buffer: number) => {
      const number = this.numbers[buffer];
      return number === null ? null : this.parameters[number];
    };
    return {
      address: (buffer) => parameter(buffer) ?? this.literal(first, buffer),
      stemOf: (buffer) =>
        parameter(buffer) ?? first.addressOf(first.program.buffers[buffer].node).constant.toLowerCase(),
      parameters: (buffers) => [...new Set(buffers.flatMap((buffer) => parameter(buffer) ?? []))],
    };
  }

  private literal(use: Use, buffer: number): string {
    const { node, element } = use.program.buffers[buffer];
    const { constant, bytes, turns } = use.addressOf(node);
    return plus(constant, bytes + 4 * element) + turns;
  }
}
