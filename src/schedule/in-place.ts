import { constantValue, isConstant, isInput, type Node } from '../graph/graph.js';
import { isInline } from '../kernels/inline.js';
import type { PlainKernel } from '../kernels/kernel.js';
import { viewOf } from '../kernels/view.js';
import { loopsOf, type Placement } from '../loops/build.js';
import { clashOf } from '../loops/in-place.js';
import type { LoopProgram } from '../loops/program.js';

/** What is known of where a kernel's results lie when one of them is to lie where the kernel reads. */
export type Stores = Omit<Placement, 'liesOn'>;

/** Answers by what was asked, so that kernels that are alike are looked at once. */
export type Answers = Map<string, boolean>;

/**
 * Says whether a kernel may write a value over an old one, which no later kernel reads: every access to an element of the old
 * one must come before the store to the element of the value in its place. That is asked of the kernel's loop program, the
 * one that is printed later.
 */
export function overwriteQuery(
  kernel: PlainKernel,
  stores: Stores,
  answers: Answers = new Map(),
): (value: Node, old: Node) => boolean {
  const programOver = (old: Node): LoopProgram =>
    loopsOf(kernel, { ...stores, liesOn: (node) => node === old });
  // Only what a table starts as is left out where the result lies there.
  let any: LoopProgram | undefined;
  const ask = (value: Node, old: Node): boolean => {
    // What `chainEqual` and `sumChain` do is told in assembly/rows.ts: each sum is made before its first row is written.
    if (kernel.kind === 'fold') return kernel.updates.source === old && kernel.ids.source !== old;
    const program = kernel.kind === 'scatter' ? programOver(old) : (any ??= programOver(old));
    const of = (node: Node) => (buffer: number) => program.buffers[buffer].node === node;
    return clashOf(program, of(value), of(old)) === null;
  };
  // Most kernels are asked nothing.
  let known: ReturnType<typeof described> | undefined;
  return (value, old) => {
    known ??= described(kernel, stores);
    const { text, numbers } = known;
    const question = `${numbers.get(value)} over ${numbers.get(old)} in ${text}`;
    const answer = answers.get(question) ?? ask(value, old);
    answers.set(question, answer);
    return answer;
  };
}

/** All that a kernel's program follows from, with numbers in place of nodes. */
function described(kernel: PlainKernel, { isVariable, regionOf, panelsOf }: Stores) {
  const numbers = new Map<Node, number>();
  const isNode = (value: unknown): value is Node =>
    typeof value === 'object' && value !== null && 'op' in value;
  const text = JSON.stringify(kernel, (_, value: unknown) => {
    if (!isNode(value)) return value;
    const known = numbers.get(value);
    if (known !== undefined) return known;
    numbers.set(value, numbers.size);
    const { op, dtype, shape, attrs, inputs } = value;
    const own = isConstant(value) ? `${constantValue(value)}` : isInput(value) ? null : attrs;
    const lies = [isVariable(value), regionOf(value), panelsOf(value)];
    const madeFrom = isInline(value) ? inputs.map((input) => viewOf(input).source) : [];
    return [op.name, dtype, shape, own, lies, madeFrom];
  });
  return { text, numbers };
}
