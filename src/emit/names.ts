import type { Node } from '../graph/graph.js';
import {
  type Group,
  type LoopKernel,
  type PlainKernel,
  panelsIn,
  placeKey,
  type Schedule,
  type StepPlace,
} from '../kernels/kernel.js';
import { loopsOf } from '../loops/build.js';
import type { Buffer } from '../plan/layout.js';
import type { EntryPlan, StepPlan } from '../plan/plan.js';
import { shownName } from '../printable.js';
import { formatType } from '../shape.js';
import type { Address, Use } from './functions.js';

// What the buffers of an entry are called, and where a kernel finds each value.

/** The kernels of an entry, or of a step of a loop, in running order. */
export interface Step {
  readonly plan: StepPlan;
  readonly kernels: readonly (Use | Turns)[];
  readonly groups: readonly Group[];
}

/** A loop of kernels; `index`: the variable that counts its turns. */
export interface Turns {
  readonly kernel: LoopKernel;
  readonly index: string;
  readonly before: readonly Use[];
  readonly step: Step;
}

/** Addresses that all entries share: of variables by name, of constants by address. */
export interface SharedNames {
  readonly variables: ReadonlyMap<string, string>;
  readonly constants: ReadonlyMap<number, string>;
}

/** Declares the addresses of buffers as numbered constants, whose names it returns. */
export function declareAll(what: string, buffers: readonly Buffer[], lines: string[]): string[] {
  return buffers.map(({ name, address, shape, dtype }, i) => {
    lines.push(
      `const ${what}_${i}: usize = ${address}; // ${shownName(name)}: ${formatType({ shape, dtype })}`,
    );
    return `${what}_${i}`;
  });
}

/** All kernels but loops, in running order. */
export function usesIn({ kernels }: Step): Use[] {
  return kernels.flatMap((kernel) =>
    'step' in kernel ? [...kernel.before, ...usesIn(kernel.step)] : [kernel],
  );
}

/** Names the buffers of entry `index`, and says where its kernels find what they work on. */
export function stepOfEntry(
  index: number,
  schedule: Schedule,
  plan: EntryPlan,
  names: SharedNames,
  lines: string[],
): Step {
  const named = (what: string, buffers: readonly Buffer[]) => {
    const constants = declareAll(`${what}_${index}`, buffers, lines);
    return new Map(buffers.map((b, i) => [b.name, constants[i]]));
  };
  const maps = {
    input: named('INPUT', plan.inputs),
    output: named('OUTPUT', plan.outputs),
    variable: names.variables,
  };
  const naming = new Naming(index, names, lines);
  return naming.step(schedule, plan, named('ARENA', plan.arena), 0, ({ kind, name }) =>
    fixed(maps[kind].get(name)!),
  );
}

/** Storage by name. */
interface Named {
  readonly kind: 'input' | 'output' | 'variable';
  readonly name: string;
}

const fixed = (constant: string): Address => ({ constant, bytes: 0, turns: '' });

class Naming {
  private kernels = 0;
  private loops = 0;

  constructor(
    private readonly index: number,
    private readonly names: SharedNames,
    private readonly lines: string[],
  ) {}

  /** `depth`: how many loops are around. */
  step(
    schedule: Schedule,
    plan: StepPlan,
    arena: ReadonlyMap<string, string>,
    depth: number,
    named: (at: Named) => Address,
  ): Step {
    const inArena = new Map(plan.arena.map((b) => [b.node, arena.get(b.name)!]));
    const addressOf = (node: Node): Address => {
      const at = schedule.storage.get(node)!;
      if (at.kind === 'arena') return fixed(inArena.get(node)!);
      if (at.kind === 'constant') return fixed(this.names.constants.get(plan.address.get(node)!)!);
      if (at.kind === 'part') {
        // Loops alone ask for where a part begins: to kernels it is a part.
        const whole = addressOf(at.region.whole);
        return { ...whole, bytes: whole.bytes + 4 * at.region.offset };
      }
      return named(at);
    };
    const isVariable = (node: Node) => schedule.storage.get(node)?.kind === 'variable';
    const use = (kernel: PlainKernel): Use => {
      const program = loopsOf(kernel, {
        isVariable,
        regionOf: (node) => plan.parts.get(node),
        panelsOf: (node) => panelsIn(schedule.storage, node),
        liesOn: (node) => plan.address.get(node) === plan.address.get(kernel.stores[0]),
      });
      return { kernel, program, stem: `kernel_${this.index}_${this.kernels++}`, addressOf };
    };
    const kernels = schedule.kernels.map((kernel) =>
      kernel.kind === 'loop' ? this.turns(kernel, plan, depth, use, addressOf) : use(kernel),
    );
    return { plan, kernels, groups: schedule.groups };
  }

  private turns(
    kernel: LoopKernel,
    around: StepPlan,
    depth: number,
    use: (kernel: PlainKernel) => Use,
    addressOf: (node: Node) => Address,
  ): Turns {
    const before = kernel.before.map((copy) => use(copy));
    const index = `turn${depth}`;
    const plan = around.loops.get(kernel.work)!;
    if (plan.arena.length > 0) this.lines.push(`// intermediate values of a step of ${kernel.name}`);
    const constants = declareAll(`LOOP_${this.index}_${this.loops++}`, plan.arena, this.lines);
    const arena = new Map(plan.arena.map((b, i) => [b.name, constants[i]]));
    const named = (at: Named) => moved(addressOf, kernel.places.get(placeKey(at))!, index);
    return { kernel, index, before, step: this.step(kernel.body, plan, arena, depth + 1, named) };
  }
}

/** Where a step finds or leaves something. */
function moved(
  addressOf: (node: Node) => Address,
  { source, offset, step }: StepPlace,
  index: string,
): Address {
  const { constant, bytes, turns } = addressOf(source);
  const more = step === 0 ? '' : ` ${step < 0 ? '-' : '+'} ${index} * ${4 * Math.abs(step)}`;
  return { constant, bytes: bytes + 4 * offset, turns: turns + more };
}
