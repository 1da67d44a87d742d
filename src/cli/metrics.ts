import { confusionChart } from '../report/confusion.js';
import { heatMap } from '../report/heat-map.js';
import type { Section } from '../report/page.js';
import { tableHtml } from '../report/table.js';
import type { Evaluated } from '../train/metrics.js';
import type { Session } from '../train/session.js';
import { lossText, tableText } from './output.js';

// What a step measures beside its loss, as people read it.

/** The parts of the data with what was measured on them. */
export type Measured = readonly { readonly name: string; readonly all: Evaluated }[];

/** Above this a matrix is no picture any more. */
const MOST_CLASSES = 40;
/** Longer lists, and larger matrices on a terminal, are told in the result and in the report alone. */
const MOST_SHOWN = 12;

/** A count, or four digits of another number. */
const numberText = (x: number): string => (Number.isInteger(x) ? String(x) : lossText(x));

/** The metrics of one number: `accuracy 0.9134`. */
export function metricTexts({ loss: _, ...metrics }: Evaluated): string[] {
  return Object.entries(metrics).flatMap(([name, value]) =>
    typeof value === 'number' ? [`${name} ${numberText(value)}`] : [],
  );
}

/** Rows of a table: for each metric that is a number or a short list its name and what the parts have. */
export function metricRows(session: Session, parts: Measured): string[][] {
  return outputsOf(session).flatMap(({ name, shape }) => {
    if (shape.length > 1 || (shape[0] ?? 1) > MOST_SHOWN) return [];
    return [[name, ...parts.map(({ all }) => valueText(all[name]))]];
  });
}

const outputsOf = ({ program }: Session) =>
  program.entries.evaluate?.outputs.filter(({ name }) => Object.hasOwn(program.metrics ?? {}, name)) ?? [];

/** Square matrices of numbers from 0, of the last part, which is the one that judges. */
function matrices(session: Session, parts: Measured, most: number) {
  const { name: part, all } = parts.at(-1)!;
  return outputsOf(session).flatMap(({ name, shape: [n = 0, m, ...rest] }) => {
    const elements = all[name];
    if (n !== m || n > most || rest.length > 0 || typeof elements === 'number') return [];
    if (elements.some((x) => !(x >= 0 && Number.isFinite(x)))) return [];
    const names = Array.from({ length: n }, (_, i) => String(i));
    const rows = names.map((_, i) => elements.subarray(i * n, (i + 1) * n));
    const counts = elements.every(Number.isInteger) ? elements : null;
    return [{ title: `${name} on ${part}`, names, rows, counts }];
  });
}

/** What a terminal shows: a table of all parts, and small matrices; each with its heading. */
export function metricTables(session: Session, parts: Measured): { heading: string; lines: string[] }[] {
  const rows = metricRows(session, parts);
  return [
    ...(rows.length > 0
      ? [{ heading: 'Metrics', lines: tableText(['', ...parts.map(({ name }) => name)], rows) }]
      : []),
    ...matrices(session, parts, MOST_SHOWN).map(({ title, names, rows }) => ({
      heading: title,
      lines: tableText(
        ['', ...names],
        rows.map((row, i) => [names[i], ...Array.from(row, numberText)]),
      ),
    })),
  ];
}

const valueText = (value: number | Float64Array) =>
  typeof value === 'number' ? numberText(value) : Array.from(value, numberText).join(' ');

/** What a result in JSON has: lists as lists. */
export function metricsJson(parts: Measured): Record<string, unknown> {
  const plain = ({ loss: _, ...metrics }: Evaluated) =>
    Object.fromEntries(
      Object.entries(metrics).map(([name, value]) => [
        name,
        typeof value === 'number' ? value : Array.from(value),
      ]),
    );
  return Object.fromEntries(parts.map(({ name, all }) => [name, plain(all)]));
}

/** The metrics for the report: a table, and matrices as pictures. */
export function metricSections(session: Session, parts: Measured): Section[] {
  const rows = metricRows(session, parts);
  return [
    ...(rows.length > 0
      ? [{ heading: 'Metrics', html: tableHtml(['', ...parts.map(({ name }) => name)], rows) }]
      : []),
    ...matrices(session, parts, MOST_CLASSES).map(({ title, names, rows, counts }) => ({
      heading: title,
      svg: counts
        ? confusionChart({ title, classes: names, counts })
        : heatMap({ title, x: 'column', y: 'row', columns: names, rows: names, values: rows }),
    })),
  ];
}
