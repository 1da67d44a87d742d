import { shownName } from '../printable.js';
import { formatType } from '../shape.js';
import { type Buffer, FIRST_REGION, type RemadeFigures } from './layout.js';
import type { ArenaBuffer, EntryPlan, MemoryPlan, StepPlan } from './plan.js';

/**
 * The memory map: every region and buffer with its address and size in bytes; for the arena of each entry when
 * buffers live, which took over whose memory, and how far the peak is from the bounds.
 */
export function printMemory(plan: MemoryPlan): string {
  const lines = [
    `memory: ${plan.end} bytes before the dataset`,
    row(0, FIRST_REGION, 'control, learning rates, losses'),
  ];
  const list = (title: string, buffers: readonly Buffer[]) => {
    if (buffers.length === 0) return;
    lines.push(`  ${title}`);
    for (const b of buffers) lines.push(row(b.address, b.bytes, describe(b)));
  };
  list('variables', plan.variables);
  list('constants', plan.constants);
  for (const [entry, { inputs, outputs }] of Object.entries(plan.entries)) {
    list(`${shownName(entry)}: inputs`, inputs);
    list(`${shownName(entry)}: outputs`, outputs);
  }
  lines.push(
    '  arena',
    row(plan.arena.address, plan.arena.bytes, 'shared by the entries, which run one at a time'),
  );
  for (const [entry, entryPlan] of Object.entries(plan.entries)) {
    lines.push(
      ...sharing(entry, entryPlan),
      ...again(plan.remade?.[entry]),
      ...arena(entryPlan.arena),
      ...loops(entryPlan),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** The peak beside what it is measured by. */
function sharing(entry: string, { arena, peak, lowerBound, withoutTakeOver, unshared }: EntryPlan): string[] {
  if (arena.length === 0) return [`  ${shownName(entry)}: nothing in the arena`];
  const over = arena.filter((b) => b.over !== null).length;
  const excess = peak > lowerBound ? ` (${peak - lowerBound} lie between buffers)` : '';
  return [
    `  ${shownName(entry)}: ${arena.length} buffers, ${over} in the place of another`,
    figure(peak, `bytes are used${excess}`),
    figure(lowerBound, 'in the largest set that is alive at one time: no placing needs less'),
    figure(withoutTakeOver, 'in that set if no buffer took over the memory of another'),
    figure(unshared, 'in all buffers together'),
  ];
}

/** What is made again instead of lying there. */
function again(figures: RemadeFigures | undefined): string[] {
  return figures ? [figure(figures.bytes, `in values that are not kept: ${remadeText(figures)}`)] : [];
}

/** What making values again costs. */
export function remadeText({ kernels, flops, share }: RemadeFigures): string {
  const work = flops < 1e8 ? `${(flops / 1e6).toFixed(2)} MFLOP` : `${(flops / 1e9).toFixed(2)} GFLOP`;
  const more = `${(100 * share).toFixed(1)} % more work`;
  return `${kernels} ${kernels === 1 ? 'kernel makes' : 'kernels make'} them again, ${work}, about ${more}`;
}

function arena(buffers: readonly ArenaBuffer[]): string[] {
  const texts = buffers.map(describe);
  const width = Math.max(0, ...texts.map((text) => text.length));
  return buffers.map(({ address, bytes, from, to, over }, i) => {
    const life = from === to ? `kernel ${from}` : `kernels ${from} to ${to}`;
    return row(address, bytes, `${texts[i].padEnd(width)}  ${life}${over ? `, takes over ${over}` : ''}`);
  });
}

/** What lies in the memory of loops. */
function loops({ arena: around, loops: all }: StepPlan): string[] {
  return [...all].flatMap(([work, plan]) => {
    const { name } = around.find((b) => b.node === work)!;
    const head = plan.arena.length > 0 ? [`  in ${shownName(name)}, in each turn`] : [];
    return [...head, ...arena(plan.arena), ...loops(plan)];
  });
}

function describe(buffer: Buffer): string {
  const panels = buffer.panels ? `, in panels of ${buffer.panels} columns` : '';
  return `${shownName(buffer.name)}: ${formatType(buffer)}${panels}`;
}

function figure(bytes: number, what: string): string {
  return `    ${String(bytes).padStart(9)} ${what}`;
}

function row(address: number, bytes: number, what: string): string {
  return `    ${String(address).padStart(9)} ${String(bytes).padStart(9)}  ${what}`;
}
