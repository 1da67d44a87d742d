import { printable } from '../../printable.js';
import { duration, lossText, note, tableText } from '../output.js';
import { countsOf, type Judge, type Row, ranked, scoreOf } from './board.js';
import type { Configuration } from './draw.js';

const REDRAW_MS = 200;
const [MOST_RUNNING, MOST_FAILED] = [8, 3];
/** Without a terminal's size. */
const [ROWS, COLUMNS] = [24, 80];

export interface Shown {
  readonly rows: readonly Row[];
  readonly varied: readonly string[];
  readonly judge: Judge;
  readonly rounds: number;
}

/** `lr 0.01, hidden 100`. */
export const configurationText = (configuration: Configuration, names: readonly string[]): string =>
  names.map((name) => `${name} ${configuration[name]}`).join(', ') || 'the only one';

/** The table of a sweep that goes on, for a terminal of a size: the best first, then what runs, then what failed. */
export function liveTable(
  { rows, varied, judge, rounds }: Shown,
  { seconds, height, width }: { seconds: number; height: number; width: number },
): string[] {
  const { done, running, waiting, failed } = countsOf(rows);
  const sorted = ranked(rows, judge);
  const scored = sorted.filter((row) => scoreOf(row, judge) !== null);
  const active = rows.filter(({ state }) => state === 'running').slice(0, MOST_RUNNING);
  const wrong = sorted.filter(({ outcome }) => outcome && outcome.status !== 'done').slice(0, MOST_FAILED);
  // The head, the counts, and the line that the cursor stands in.
  const room = Math.max(1, height - 3 - active.length - wrong.length);
  const best = scored.filter((row) => row.state !== 'running').slice(0, room);
  const cells = (row: Row, status: string) => [
    status,
    ...varied.map((name) => String(row.configuration[name])),
    ...(rounds > 1 ? [String(row.round + 1)] : []),
    scoreText(scoreOf(row, judge)),
  ];
  const table = tableText(
    ['', ...varied, ...(rounds > 1 ? ['round'] : []), judge.metric],
    [
      ...best.map((row) => cells(row, String(scored.indexOf(row) + 1))),
      ...active.map((row) => cells(row, runningText(row))),
      ...wrong.map((row) => cells(row, row.outcome!.status)),
    ],
  );
  const counts = `${done} done, ${running} running, ${waiting} waiting, ${failed} failed of ${rows.length}, ${duration(seconds)}`;
  return [counts, ...table].map((line) => cut(printable(line), width));
}

const runningText = ({ place }: Row) =>
  place ? `running ${Math.floor((100 * place.at) / Math.max(1, place.of))} %` : 'running';
const scoreText = (score: number | null) => (score === null ? '' : lossText(score));
const cut = (line: string, width: number) =>
  line.length < width ? line : `${line.slice(0, Math.max(0, width - 4))}...`;

/** How a sweep goes, on standard error: a table that is drawn anew on a terminal, else a line for each training that ends. */
export class Show {
  private readonly began = performance.now();
  private drawn = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly live = process.stderr.isTTY === true;

  constructor(private readonly shown: Shown) {
    if (this.live) this.timer = setInterval(() => this.draw(), REDRAW_MS);
    this.timer?.unref();
  }

  ended(row: Row): void {
    if (this.live) return;
    const { rows, varied, judge, rounds } = this.shown;
    const { done, failed } = countsOf(rows);
    const round = rounds > 1 ? `round ${row.round + 1} of ${rounds}, ` : '';
    const score = scoreOf(row, judge);
    const best = score !== null && ranked(rows, judge)[0] === row ? ', the best so far' : '';
    const { status, reason } = row.outcome!;
    const what =
      score === null
        ? `${status}: ${reason ?? `${judge.metric} is not finite`}`
        : `${judge.metric} ${lossText(score)}${best}`;
    note(
      `${round}${done + failed} of ${rows.length}  ${configurationText(row.configuration, varied)}: ${what}`,
    );
  }

  /** A line between. */
  say(text: string): void {
    if (this.timer) this.wipe();
    note(text);
    if (this.timer) this.draw();
  }

  stop(): void {
    if (!this.timer) return;
    this.draw();
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private draw(): void {
    const { rows: height = ROWS, columns: width = COLUMNS } = process.stderr;
    const seconds = (performance.now() - this.began) / 1000;
    const lines = liveTable(this.shown, { seconds, height, width });
    this.wipe();
    process.stderr.write(`${lines.join('\n')}\n`);
    this.drawn = lines.length;
  }

  private wipe(): void {
    if (this.drawn > 0) process.stderr.write(`\x1b[${this.drawn}A\x1b[J`);
    this.drawn = 0;
  }
}
