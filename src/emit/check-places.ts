import type { Node } from '../graph/graph.js';
import type { Kernel } from '../kernels/kernel.js';
import { clashOf, keepOff, storesTo } from '../loops/in-place.js';
import { meet, memoryIn, writtenBy } from '../plan/places.js';
import type { StepPlan } from '../plan/plan.js';
import { numel } from '../shape.js';
import type { Use } from './functions.js';
import type { Step } from './names.js';

/**
 * Looks for errors in the memory plan: a kernel must touch nothing but what it says, since orders and lives follow from that; and whatever
 * it writes where something lies that it also reads or writes must be proven safe from its program. Throws an Error that names
 * kernel and values.
 */
export function checkPlaces({ kernels, plan }: Step): void {
  const uses: Use[] = [];
  for (const kernel of kernels) {
    if (!('step' in kernel)) {
      uses.push(kernel);
      continue;
    }
    checkLoop(kernel.kernel, plan);
    checkPlaces({ ...kernel.step, kernels: kernel.before, plan });
    checkPlaces(kernel.step);
  }
  for (const use of uses) checkTold(use, plan);
  checkParts(uses, plan);
  const { address } = plan;
  for (const { kernel, program } of uses) {
    // What its function does to rows is told in assembly/rows.ts: each sum is made before its first row is written.
    if (kernel.kind === 'fold') continue;
    const of = (node: Node) => (buffer: number) => program.buffers[buffer].node === memoryIn(plan, node);
    const clash = (value: Node, old: Node) =>
      address.get(memoryIn(plan, value)) === address.get(memoryIn(plan, old))
        ? clashOf(program, of(value), of(old))
        : 'they overlap in a part of their elements';
    for (const value of kernel.stores) {
      for (const old of [...kernel.loads, ...kernel.stores]) {
        if (old === value || !meet(value, old, plan)) continue;
        const why = clash(value, old);
        if (why === null || (kernel.stores.includes(old) && clash(old, value) === null)) continue;
        throw new Error(
          `${kernel.name} writes ${value.op.name} over ${old.op.name}, which it must not: ${why}`,
        );
      }
    }
  }
}

function checkTold({ kernel: { name, loads, stores }, program: { buffers } }: Use, plan: StepPlan): void {
  const told = new Set([...loads, ...stores].map((node) => memoryIn(plan, node)));
  const untold = buffers.find(({ node }) => !told.has(node));
  if (untold) throw new Error(`${name} touches ${untold.node.op.name}, which it neither loads nor stores`);
}

/** What a loop makes lies apart from all that it reads, in whichever step. */
function checkLoop({ name, stores, loads }: Kernel, plan: StepPlan): void {
  for (const value of stores)
    for (const old of [...loads, ...stores])
      if (old !== value && meet(value, old, plan))
        throw new Error(`${name} writes ${value.op.name} where ${old.op.name} lies, which a step may read`);
}

/** Kernels that write one value in parts must be seen, from their programs, to write nothing of the others' parts. */
function checkParts(uses: readonly Use[], plan: StepPlan): void {
  const wholes = new Set([...plan.parts.values()].map(({ whole }) => whole));
  const writers = uses.flatMap((use) =>
    writtenBy(plan, use.kernel)
      .filter(({ whole, sizes }) => wholes.has(whole) && numel(sizes) > 0)
      .map((region) => ({ use, region })),
  );
  for (const whole of wholes) {
    const own = writers.filter(({ region }) => region.whole === whole);
    for (const use of new Set(own.map((writer) => writer.use))) {
      const others = own.filter((writer) => writer.use !== use);
      if (others.length === 0) continue;
      const stores = storesTo(use.program, (buffer) => use.program.buffers[buffer].node === whole);
      const met = others.find(({ region }) => !keepOff(stores, region));
      if (met)
        throw new Error(
          `${use.kernel.name} and ${met.use.kernel.name} may write the same elements of ${whole.op.name}`,
        );
    }
  }
}
