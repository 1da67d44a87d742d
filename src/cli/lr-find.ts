import { join } from 'node:path';
import { closing } from '../closing.js';
import { writeInFolder } from '../data/files.js';
import { ensureFolder } from '../data/folders.js';
import { OptionError } from '../errors.js';
import { type FinderProgress, findLearningRate, type LearningRateSearch } from '../finder/finder.js';
import type { Session } from '../train/session.js';
import { compileProgress } from './compile-progress.js';
import { engineText, noteThreads } from './describe.js';
import { absolute, checkForeign, holdsRun, PICTURE, REPORT } from './folder.js';
import { answering, Interrupt } from './interrupt.js';
import { kindOf, kindsWith } from './kinds/index.js';
import { flagsOf, type Kind, refuseOthers, settingsFrom } from './kinds/kind.js';
import { holdFolder } from './lock.js';
import { duration, lossText, note, Output, plural } from './output.js';
import { optionSettings, type SettingValues } from './own-settings.js';
import { Progress } from './progress.js';
import { checkEngine, type Settings } from './settings.js';
import { shellWord } from './shell.js';
import { buildStep, loadTask } from './task.js';

export interface LrFindOptions extends Omit<Settings, 'steps'> {
  steps: number;
  data?: string;
  export?: string;
  set?: SettingValues;
  out: string;
  wide?: boolean;
  json?: boolean;
}

/** Looks for a learning rate of a kind of model, or of that of a file; writes a picture and a report. Returns the exit code. */
export function lrFind(what: string, options: LrFindOptions): Promise<number> {
  return closing(async (use) =>
    search(await kindOf(what, options.export, optionSettings(options.set)), options, use),
  );
}

async function search(
  kind: Kind,
  { steps, data, out, wide = false, json = false, ...options }: LrFindOptions,
  use: (session: Session) => Session,
): Promise<number> {
  const output = new Output(json);
  refuseOthers(kind, options, kindsWith(kind));
  const settings = settingsFrom(kind, options);
  const stopped = (signal: string | null) =>
    output.result({ task: kind.command, interrupted: signal, saved: false, out });
  const interrupt = new Interrupt('Stopping.', stopped);
  checkEngine({ ...settings, wide });
  kind.check(settings);
  const task = await loadTask(kind, absolute(data), settings);
  const step = answering(() => buildStep(kind, task.kept, settings));
  if (await holdsRun(out)) {
    throw new OptionError(`--out ${out}: this folder holds a trained model and its report; give another`);
  }
  await holdFolder(out);
  await checkForeign(out);
  for (const line of task.lines) output.line(line);

  const { seed, threads, engine } = settings;
  const session = use(
    engine === 'tape'
      ? answering(() => step.interpret({ seed }))
      : await step.compile({
          seed,
          threads,
          wide,
          apart: true,
          around: answering,
          progress: compileProgress(),
        }),
  );
  noteThreads(session);
  interrupt.hold();
  output.line(`${plural(session.parameterCount, 'parameter')}: ${kind.modelText(settings)}`);
  output.line(`Batch ${kind.batch(settings)}, ${engineText(session)}`);
  output.line();
  session.data(task.rows.columns, { order: kind.order });
  const started = performance.now();
  const show = new Show(steps);
  let found: LearningRateSearch;
  try {
    found = await findLearningRate(session, {
      steps,
      signal: interrupt.signal,
      onProgress: (progress) => show.update(progress),
    });
  } catch (error) {
    if (!interrupt.exitCode) throw error;
    output.line('Stopped; nothing was written.');
    stopped(interrupt.received);
    return interrupt.exitCode;
  } finally {
    await show.stop();
  }
  const seconds = (performance.now() - started) / 1000;
  const command = trainCommand(kind, options, found.suggestion, data) + (wide ? ' --wide' : '');
  await writeFiles(out, found, {
    command,
    what: kind.command,
    title: `${kind.title}: ${kind.modelText(settings)}`,
    session,
  });
  report(output, found, { command, what: kind.command, out, seconds });
  return interrupt.exitCode;
}

/** The command that trains this model with a rate. */
function trainCommand(kind: Kind, given: Settings, lr: number, data: string | undefined): string {
  const flags = flagsOf(kind, { ...settingsFrom(kind, given), lr }, { changed: true });
  if (data !== undefined) flags.unshift(`--data ${shellWord(data)}`);
  return [`2headgrad train ${kind.command}`, ...flags].join(' ');
}

function report(
  output: Output,
  search: LearningRateSearch,
  { command, what, out, seconds }: { command: string; what: string; out: string; seconds: number },
): void {
  const { bounds, rates, losses, smoothed, suggestion, why } = search;
  const { lower, upper, probes } = bounds;
  const { bold, dim } = output.colors;
  output.line(bold('Learning rate'));
  output.line(
    `  ${'stands still'.padEnd(13)} ${digits(lower).padEnd(9)} at this rate and below the loss hardly moves`,
  );
  output.line(`  ${'explodes'.padEnd(13)} ${digits(upper).padEnd(9)} at this rate and above the loss rises`);
  output.line(`  ${'suggestion'.padEnd(13)} ${bold(String(suggestion))}`);
  output.line();
  output.line(dim(`${why[0].toUpperCase()}${why.slice(1)}.`));
  output.line();
  output.line(`In ${duration(seconds)}. Picture and report: ${join(out, PICTURE)}, ${join(out, REPORT)}`);
  output.line(`Train with it: ${command}`);
  // JSON has no infinity: the gain of a training that exploded, and its last loss, become null.
  const curve = { rates, losses, smoothed };
  output.result({ task: what, suggestion, why, bounds: { lower, upper }, probes, ...curve, command, out });
}

async function writeFiles(
  out: string,
  search: LearningRateSearch,
  { command, what, title, session }: { command: string; what: string; title: string; session: Session },
): Promise<void> {
  const [{ rateCurve }, { reportPage }, { tableHtml }] = await Promise.all([
    import('../report/rate-curve.js'),
    import('../report/page.js'),
    import('../report/table.js'),
  ]);
  const { bounds, suggestion, why } = search;
  const svg = rateCurve({ title, ...search });
  const page = reportPage({
    title: `A learning rate for ${what}`,
    summary: [
      ['suggestion', String(suggestion)],
      ['stands still', digits(bounds.lower)],
      ['explodes', digits(bounds.upper)],
      ['steps of the run', String(search.rates.length)],
      ['engine', session.kind],
    ],
    sections: [
      { heading: 'One run with a rising rate', svg },
      { heading: 'The rule', list: [`${why}.`] },
      { heading: 'The command', pre: command },
      {
        heading: 'Short trainings from the same start',
        html: tableHtml(
          ['rate', 'how far the loss falls'],
          bounds.probes.map(({ rate, gain }) => [
            digits(rate),
            Number.isFinite(gain) ? lossText(gain) : 'it is not a number any more',
          ]),
        ),
      },
    ],
  });
  await ensureFolder(out);
  await writeInFolder(out, PICTURE, svg);
  await writeInFolder(out, REPORT, page);
}

const digits = (x: number) => String(Number(x.toPrecision(2)));
const gainText = (gain: number) => (Number.isFinite(gain) ? lossText(gain) : 'more than can be told');

/** What goes on, on standard error: a line for each short training, then the place of the run with the rising rate. */
class Show {
  private bar: Promise<Progress> | null = null;
  private shown: Progress | null = null;
  private losses: number[] = [];
  private started = 0;

  constructor(private readonly steps: number) {}

  update(progress: FinderProgress): void {
    if (progress.stage === 'bounds') {
      const { rate, gain } = progress.probe;
      const how = gain < 0 ? `rises by ${gainText(-gain)}` : `falls by ${gainText(gain)}`;
      note(`rate ${digits(rate).padEnd(8)} the loss ${how}`);
      return;
    }
    if (!this.bar) {
      this.started = performance.now();
      this.bar = Progress.start(0, this.steps).then((bar) => {
        this.shown = bar;
        return bar;
      });
    }
    this.losses.push(progress.loss);
    const seconds = (performance.now() - this.started) / 1000;
    if (!this.shown || seconds === 0) return;
    this.shown.update(progress.at, this.losses, progress.at / seconds);
    this.losses = [];
  }

  async stop(): Promise<void> {
    (await this.bar)?.stop();
  }
}
