import type { Node } from '../graph/graph.js';
import { costOf, packed } from '../kernels/cost.js';
import type { GemmKernel } from '../kernels/kernel.js';
import { tilingOf } from '../kernels/tiling.js';
import { numel } from '../shape.js';
import type { Draft } from './strided-stores.js';

/**
 * Nanoseconds: to run a kernel at all; to pack an element that lies somewhere; to pack one that is made, beside its arithmetic;
 * to read one in a tile whose next steps lie far apart; to bring one from beyond the second-level cache. Fitted to products of
 * 10 to 1,024 rows and columns whose operands are scaled, shifted, rectified or gathered.
 */
const KERNEL = 20;
const PACK = 0.15;
const MADE = { a: 0.45, b: 0.55 };
const APART = 0.3;
const FAR = 0.3;

/** Bytes from one step to the next from which on they lie far apart, and of a value that the cache does not keep. */
const APART_BYTES = 512;
const FAR_BYTES = 1024 * 1024;

/** Whether kernels take less time than those in whose place they come, without a value; null: one of which nothing is left. */
export function spares(value: Node, before: readonly Draft[], after: readonly (Draft | null)[]): boolean {
  const elements = numel(value.shape);
  const far = 4 * elements > FAR_BYTES ? FAR * elements : 0;
  return timeOf(after) < timeOf(before) + far;
}

function timeOf(drafts: readonly (Draft | null)[]): number {
  return drafts.reduce((sum, draft) => sum + (draft ? KERNEL + timeOfDraft(draft) : 0), 0);
}

function timeOfDraft({ body, loads, stores }: Draft): number {
  const kernel = body.kind === 'gemm' ? { ...body, tiling: tilingOf(body) } : body;
  const own = costOf({ ...kernel, name: '', loads, stores }).nanoseconds;
  return kernel.kind === 'gemm' ? own + operandTime(kernel, 'a') + operandTime(kernel, 'b') : own;
}

/** What an operand costs beside the tiles. */
function operandTime(kernel: GemmKernel, which: 'a' | 'b'): number {
  const { prologue, strides } = kernel[which];
  const { packA, packB } = kernel.tiling;
  const packs = which === 'a' ? packA : packB !== 'no' && packB !== 'lies';
  const isApart = which === 'a' && 4 * strides.at(-1)! >= APART_BYTES;
  const each = packs ? (prologue ? MADE[which] : PACK) : isApart ? APART : 0;
  return each * packed(kernel, which);
}
