import { join } from 'node:path';
import { REPORT } from '../folder.js';
import type { Interrupt } from '../interrupt.js';
import { flagsOf, type Kind, settingsFrom } from '../kinds/kind.js';
import { lossText, type Output, plural, tableText } from '../output.js';
import type { Settings } from '../settings.js';
import { shellWord } from '../shell.js';
import { countsOf, type Row, ranked, scoreOf } from './board.js';
import type { Course, Plan } from './plan.js';
import type { RedisPlace } from './redis-url.js';
import { configurationText } from './show.js';
import { apart } from './space.js';
import type { SweepOptions } from './sweep.js';

// What is told of a sweep at its end.

export const TABLE = 'sweep.csv';
/** Rows that are printed. */
const BEST = 10;

/** A sweep that goes on. */
export interface Site {
  readonly what: string;
  readonly options: SweepOptions;
  readonly kind: Kind;
  /** The digest of a model file, as it was when this began. */
  readonly sources: string | undefined;
  readonly folder: string;
  readonly plan: Plan;
  readonly course: Course;
  readonly redis: RedisPlace | undefined;
  readonly interrupt: Interrupt;
}

export interface Told extends Site {
  readonly rows: readonly Row[];
}

/** The command that trains the best of them again, to the same bits. */
export function bestCommand({ kind, plan, course, rows }: Told): string | undefined {
  const [best] = ranked(rows, plan.judge);
  if (!best || scoreOf(best, plan.judge) === null) return undefined;
  const { steps } = course.rounds[best.round];
  const { settings: given, set } = apart(kind, best.configuration);
  const settings = settingsFrom(kind, { ...given, ...(steps !== undefined && { steps }) });
  const flags = flagsOf(kind, settings as unknown as Settings, { changed: true, set });
  if (plan.data !== null) flags.unshift(`--data ${shellWord(plan.data)}`);
  return [`2headgrad train ${kind.command}`, ...flags].join(' ');
}

export function finish(output: Output, told: Told): number {
  const { kind, folder, plan, course, rows, interrupt } = told;
  const { judge } = plan;
  const { done, waiting, failed } = countsOf(rows);
  const sorted = ranked(rows, judge).filter((row) => scoreOf(row, judge) !== null);
  const { bold, dim } = output.colors;
  output.line();
  const parts = [
    `${plural(done, 'configuration')} done`,
    `${failed} failed`,
    ...(waiting > 0 ? [`${waiting} missing`] : []),
  ];
  output.line(parts.join(', '));
  if (sorted.length > 0) {
    output.line();
    output.line(bold('Best'));
    const several = course.rounds.length > 1;
    const table = tableText(
      ['', ...course.varied, ...(several ? ['round'] : []), judge.metric],
      sorted
        .slice(0, BEST)
        .map((row, i) => [
          String(i + 1),
          ...course.varied.map((name) => String(row.configuration[name])),
          ...(several ? [String(row.round + 1)] : []),
          lossText(scoreOf(row, judge)!),
        ]),
    );
    for (const line of table) output.line(`  ${line}`);
  }
  for (const { configuration, outcome } of rows
    .filter(({ outcome }) => outcome && outcome.status !== 'done')
    .slice(0, BEST))
    output.line(`${outcome!.status}: ${configurationText(configuration, course.varied)}: ${outcome!.reason}`);
  output.line();
  output.line(`Table and report: ${join(folder, TABLE)}, ${join(folder, REPORT)}`);
  const command = bestCommand(told);
  if (command) output.line(dim(`The best again, to the same bits: ${command}`));
  const resume = `2headgrad sweep ${kind.command} --resume --out ${shellWord(folder)}`;
  if (interrupt.exitCode) output.line(`Stopped. Go on with: ${resume}`);
  const [best] = sorted;
  output.result({
    ...{
      task: kind.command,
      strategy: plan.strategy,
      configurations: rows.length,
      done,
      failed,
      missing: waiting,
    },
    best: best && {
      ...{ name: best.name, settings: best.configuration, [judge.metric]: scoreOf(best, judge) },
      model: best.outcome?.model ?? null,
    },
    ...(interrupt.exitCode && { interrupted: interrupt.received }),
    out: folder,
  });
  return interrupt.exitCode || (failed > 0 ? 1 : 0);
}
