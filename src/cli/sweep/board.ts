import { printable } from '../../printable.js';
import { PARTS } from '../kinds/kind.js';
import type { Configuration } from './draw.js';
import type { Outcome, Place } from './outcome.js';

/** By which number configurations are judged. */
export interface Judge {
  /** `loss`, or a metric of one number that the step names in `evaluate`. */
  readonly metric: string;
  readonly highest: boolean;
}

/** A configuration of a sweep and how far it has come. */
export interface Row {
  /** Its place in the plan. */
  readonly order: number;
  readonly configuration: Configuration;
  /** Of the training that `outcome` is of, and its round. */
  name: string;
  round: number;
  /** Of the training that is wanted last. */
  state: 'waiting' | 'running' | 'ended';
  place?: Place;
  outcome?: Outcome;
}

/** The number that a training is judged by: on what is held out for choosing, else on what was trained on; never on the test part. */
export function scoreOf({ outcome }: Row, { metric }: Judge): number | null {
  if (outcome?.status !== 'done') return null;
  return (outcome.measured?.dev ?? outcome.measured?.train)?.[metric] ?? null;
}

/** The best first; of halving those of later rounds, whose steps are more, before others. What has no number comes last, in the order of the plan. */
export function ranked(rows: readonly Row[], judge: Judge): Row[] {
  const sign = judge.highest ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [scoreOf(a, judge), scoreOf(b, judge)];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || a.order - b.order;
    return b.round - a.round || sign * (x - y) || a.order - b.order;
  });
}

/** How many rows are in which state. */
export function countsOf(rows: readonly Row[]) {
  const ended = rows.filter(({ state }) => state === 'ended');
  const done = ended.filter(({ outcome }) => outcome?.status === 'done').length;
  return {
    running: rows.filter(({ state }) => state === 'running').length,
    waiting: rows.filter(({ state }) => state === 'waiting').length,
    done,
    failed: ended.length - done,
  };
}

/** The table of a sweep: nothing in it depends on when, where and in which order trainings ran. */
export function tableCsv(
  rows: readonly Row[],
  { names, judge, rounds }: { names: readonly string[]; judge: Judge; rounds: number },
): string {
  const ended = ranked(rows, judge).filter(({ outcome }) => outcome);
  const measured = measuresIn(ended);
  const before = [...(rounds > 1 ? ['round'] : []), 'status'];
  const after = [...measured.map(([part, metric]) => `${part}_${metric}`), 'name', 'model', 'reason'];
  const taken = new Set(['rank', ...before, ...after]);
  // A model file may have a setting of such a name; two columns of one name are read as one.
  const columns = names.map((name) => (taken.has(name) ? `set ${name}` : name));
  const head = ['rank', ...columns, ...before, ...after];
  const lines = ended.map((row, i) => {
    const { outcome, configuration } = row;
    return [
      ...[i + 1, ...names.map((name) => configuration[name] ?? '')],
      ...(rounds > 1 ? [row.round + 1] : []),
      outcome?.status ?? '',
      ...measured.map(([part, metric]) => outcome?.measured?.[part]?.[metric] ?? ''),
      ...[row.name, outcome?.model ?? '', outcome?.reason ?? ''],
    ];
  });
  return [head, ...lines]
    .map((cells) => `${cells.map((cell) => cellText(String(cell))).join(',')}\n`)
    .join('');
}

/** What was measured on which part, the loss first. */
export function measuresIn(rows: readonly Row[]) {
  return PARTS.flatMap((part) => {
    const names = new Set(rows.flatMap(({ outcome }) => Object.keys(outcome?.measured?.[part] ?? {})));
    return [...names]
      .sort((a, b) => Number(b === 'loss') - Number(a === 'loss') || (a < b ? -1 : 1))
      .map((metric) => [part, metric] as const);
  });
}

/** RFC 4180; what a spreadsheet would take for a formula, or a terminal for a command, is text. */
function cellText(said: string): string {
  const text = printable(said);
  const isFormula = /^[=@+-]/.test(text) && !/^[+-]?[\d.]+(e[+-]?\d+)?$/.test(text);
  const plain = isFormula ? `'${text}` : text;
  return /[",]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
