import type { EntryPlan, MemoryPlan, StepPlan } from '../plan/plan.js';

// A debug mode of the memory plan: memory is NaN before a step and again as soon as its last reader has run, so
// that a buffer whose life is taken to be too short shows in the results, whatever happens to lie there else.

interface Span {
  readonly from: number;
  readonly to: number;
}

/** The function that fills memory: a quiet NaN, which is also an index far outside of any table. */
export const POISON: readonly string[] = [
  '/** Fills memory that holds no live value with NaN. */',
  'function poison(from: usize, to: usize): void {',
  'for (; from < to; from += 4) store<u32>(from, 0x7fc00000);',
  '}',
];

/** Before a step: the whole arena, and the outputs, all of which the step has to write. */
export function poisonStart(entry: EntryPlan, arena: MemoryPlan['arena']): string[] {
  return fill([span(arena), ...entry.outputs.map(span)]);
}

/** After a kernel: the buffers that it was the last to touch, but for bytes that others have taken over. */
export function poisonAfter(entry: StepPlan, kernel: number): string[] {
  const dead = entry.arena.filter((b) => b.to === kernel).map(span);
  const live = entry.arena.filter((b) => b.from <= kernel && b.to > kernel).map(span);
  const spans = dead.flatMap((d) => live.reduce((rest, l) => rest.flatMap((r) => without(r, l)), [d]));
  if (spans.length === 0) return [];
  return ['barrier();', ...fill(spans)];
}

function span({ address, bytes }: { readonly address: number; readonly bytes: number }): Span {
  return { from: address, to: address + bytes };
}

/** What of `all` lies outside of `hole`. */
function without(all: Span, hole: Span): Span[] {
  const before = { from: all.from, to: Math.min(all.to, hole.from) };
  const after = { from: Math.max(all.from, hole.to), to: all.to };
  return [before, after].filter((s) => s.from < s.to);
}

/** Fills memory while all threads wait. */
export function fill(spans: readonly Span[]): string[] {
  const calls = spans.filter((s) => s.from < s.to).map((s) => `poison(${s.from}, ${s.to});`);
  return calls.length ? ['if (thread == 0) {', ...calls, '}', 'barrier();'] : [];
}
