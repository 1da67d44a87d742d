import { baseline, type PeerState, type Report, type Row } from './results.js';
import type { Workload } from './workloads.js';

const COLUMNS: readonly [title: string, width: number, cell: (row: Row, rows: readonly Row[]) => string][] = [
  ['engine', -17, (row) => row.engine],
  ['threads', 7, (row) => String(row.threads)],
  ['steps/s', 10, (row) => significant(row.steps_per_second, 4)],
  ['ms/step', 8, (row) => significant(1000 / row.steps_per_second, 3)],
  ['+-', 5, (row) => (row.spread === null ? '' : percent(row.spread))],
  [
    'vs tape',
    8,
    (row, rows) =>
      ratio(
        row,
        rows.find((r) => r.engine === 'tape'),
      ),
  ],
  ['compiled is', 11, (row, rows) => ratio(baseline(rows), row)],
  ['GFLOP/s', 9, (row) => significant(row.gflops, 3)],
  ['of ceiling', 10, (row) => (row.of_ceiling === null ? '' : percent(row.of_ceiling))],
  ['compile ms', 10, (row) => (row.compile_ms === null ? '' : row.compile_ms.toFixed(0))],
  ['memory', 10, (row) => (row.peak_bytes === null ? '' : bytes(row.peak_bytes))],
];

/** The table of some workloads, in which there is room for all of their names. */
export class Table {
  private readonly first: number;

  constructor(workloads: readonly Workload[]) {
    this.first = Math.max(12, ...workloads.map(({ name }) => name.length));
  }

  header(): string {
    return this.line(
      'workload',
      COLUMNS.map(([title]) => title),
    );
  }

  /** The rows of one workload. */
  group(rows: readonly Row[]): string {
    return rows
      .map((row, i) =>
        this.line(
          i === 0 ? row.workload : '',
          COLUMNS.map(([, , cell]) => cell(row, rows)),
        ),
      )
      .join('\n');
  }

  private line(first: string, cells: readonly string[]): string {
    const padded = cells.map((cell, i) => {
      const width = COLUMNS[i][1];
      return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
    });
    return [first.padEnd(this.first), ...padded].join(' ').trimEnd();
  }
}

/** What follows the table: the ceiling, odd sizes beside round ones, peers that did not run. */
export function footer(
  { ceiling_gflops: { strict, relaxed }, peers, results, without: left }: Report,
  workloads: readonly Workload[],
) {
  const without = relaxed === null ? '; this Node.js has no relaxed SIMD' : '';
  const fused = relaxed === null ? '' : `, ${significant(relaxed, 3)} with relaxed multiply-add`;
  return [
    `Ceiling of a core: ${significant(strict, 3)} GFLOP/s with multiply and add${fused}${without}.`,
    ...(left.length ? [`compiled-without leaves out ${left.join(', ')}.`] : []),
    ...workloads.flatMap((w) => odd(w, results)),
    ...Object.entries(peers).flatMap(([name, state]) => peerLines(name, state)),
  ].join('\n');
}

/** What is to be said of a peer. */
export function peerLines(name: string, { version, missing, failed = {} }: PeerState): string[] {
  const state = missing ? `${name} is missing: ${missing}.` : `${name} is version ${version}.`;
  return [state, ...Object.entries(failed).map(([workload, why]) => `${name} failed on ${workload}: ${why}`)];
}

/** Shares of the ceiling are compared, since the machine may have been faster in the rounds of one than of the other. */
function odd({ name, sibling }: Workload, results: readonly Row[]): string[] {
  const [own, other] = [name, sibling].map(
    (w) => baseline(results.filter((r) => r.workload === w))?.of_ceiling,
  );
  return own && other
    ? [`${name} reaches ${percent(own / other)} of the share of the ceiling that ${sibling} does.`]
    : [];
}

function ratio(row: Row | undefined, to: Row | undefined): string {
  return row && to ? `${significant(row.steps_per_second / to.steps_per_second, 3)}x` : '';
}

export const significant = (value: number, digits: number): string =>
  value.toLocaleString('en', { maximumSignificantDigits: digits });

export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

export const bytes = (n: number): string =>
  n < 2 ** 20 ? `${significant(n / 2 ** 10, 3)} KiB` : `${significant(n / 2 ** 20, 3)} MiB`;
