// Minutes of training on a text in a tab: the model, the data and the rates of `2headgrad train text`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gptOf, text } from '../../src/cli/kinds/text.js';
import { count, duration, inBits, lossText, plural, rate } from '../../src/cli/output.js';
import { textHtml } from '../../src/cli/sampling.js';
import { type TextSettings, WARMUP } from '../../src/cli/settings.js';
import type { TextTokens } from '../../src/data/tokens.js';
import { lossCurve } from '../../src/report/loss-curve.js';
import { reportPage } from '../../src/report/page.js';
import { tableHtml } from '../../src/report/table.js';
import { smooth } from '../../src/smooth.js';
import { writeColumns } from './columns.js';
import type { Opened } from './open.js';
import { type TextReport, type TextResult, type TextTraining, trainText } from './train-text.js';

export interface TextOptions {
  minutes: number;
  /** Null: as many as the minutes hold. */
  steps: number | null;
  threads: number;
  seed: number;
  /** A text in UTF-8; null: the State of the Union addresses. */
  data: string | null;
  /** Folder of the curve, the page and the numbers. */
  out: string;
  /** Of another model than the usual one. */
  model: Partial<Pick<TextSettings, 'context' | 'layers' | 'heads' | 'dim' | 'batch'>>;
}

const SAMPLE = 300;
const HEAD = ['minute', 'step', 'of', 'steps/s', 'train loss', 'held-out loss', 'bits a character'];

/** Trains, printing a line a minute, and writes curve.svg, report.html and run.json. In a page of `opened`, or in Node. */
export async function trainOnText(opened: Opened | null, options: TextOptions): Promise<void> {
  const { threads, seed, minutes, steps, out } = options;
  const settings = { ...text.initial, ...options.model, seed, threads } as TextSettings;
  const task = await text.load(options.data, settings, options.data !== null);
  const { kept: tokens, rows, watched, measured, lines } = task;
  if (!watched || !measured.dev) throw new Error('the text has no part that is held out');
  const host = opened ? `Chromium ${opened.version}` : `Node ${process.version}`;
  for (const line of lines) console.log(line);
  console.log(`${text.modelText(settings)}, batch ${settings.batch}, AdamW; ${host}\n`);
  const { data, ...training }: TextTraining = {
    model: gptOf(tokens, settings),
    batch: settings.batch,
    clip: settings.clip,
    data: { train: rows.columns, watched: watched.columns, measured: measured.dev.columns },
    ...{ seed, threads, steps, seconds: 60 * minutes },
    ...{ lr: settings.lr, warmup: WARMUP },
    reports: Math.max(1, Math.ceil(minutes)),
    sample: { begin: beginOf(tokens), length: SAMPLE },
  };
  const reports: TextReport[] = [];
  console.log(HEAD.map((name, i) => name.padStart(widthOf(i))).join('  '));
  const tell = (report: unknown) => {
    reports.push(report as TextReport);
    const cells = cellsOf(report as TextReport);
    console.log(cells.map((cell, i) => cell.padStart(widthOf(i))).join('  '));
  };
  const result = await run();
  const sample = tokens.decode(result.sample);
  const facts = factsOf(result, host);
  console.log(`\n${facts.map(([name, value]) => `${name}: ${value}`).join('\n')}\n\n${sample}`);
  write(out, { settings, reports, result, sample, facts, vocabulary: tokens.size });
  console.log(`\n${join(out, 'report.html')}`);

  async function run(): Promise<TextResult> {
    if (!opened) return trainText({ ...training, data }, tell);
    const files = await writeColumns(data, join(opened.folder, 'data'), new URL('data/', opened.url).href);
    const page = await opened.page(tell);
    try {
      return await page.ask('text', { ...training, data: files });
    } finally {
      await page.close();
    }
  }
}

/** What the sample goes on from, as that of `train text` does. */
function beginOf(tokens: TextTokens): number[] {
  const begin = ['\n', ' '].find((text) => tokens.knows(text));
  return begin === undefined ? [0] : [...tokens.encode(begin)];
}

const widthOf = (column: number) => Math.max(6, HEAD[column].length);

function cellsOf({ seconds, at, steps, stepsPerSecond, loss, held }: TextReport): string[] {
  const minute = (seconds / 60).toFixed(1);
  return [
    ...[minute, count(at), count(steps)],
    ...[stepsPerSecond.toFixed(2), lossText(loss), lossText(held), inBits(held)],
  ];
}

function factsOf(result: TextResult, host: string): [string, string][] {
  const { held, steps, losses, seconds, stepSeconds, compileSeconds, threads, threadNote } = result;
  return [
    ['host', host],
    ['threads', `${threads}${threadNote ? ` (${threadNote})` : ''}`],
    ['parameters', count(result.parameters)],
    ['compiled', `in ${duration(compileSeconds)}, ${count(result.wasmBytes / 1024)} KiB of wasm`],
    ['trained', `${plural(losses.length, 'step')} of ${count(steps)} in ${duration(seconds)}`],
    ['steps/s', rate(losses.length / stepSeconds)],
    ['bits a character, held out', `${inBits(held)} (loss ${lossText(held)})`],
  ];
}

interface Written {
  settings: TextSettings;
  reports: readonly TextReport[];
  result: TextResult;
  sample: string;
  facts: [string, string][];
  vocabulary: number;
}

function write(out: string, written: Written): void {
  const { settings, reports, result, sample, facts } = written;
  mkdirSync(out, { recursive: true });
  const svg = curve(written);
  writeFileSync(join(out, 'curve.svg'), svg);
  const sections = [
    { heading: 'Bits a character over the steps', svg },
    { heading: 'By the minute', html: tableHtml(HEAD, reports.map(cellsOf)) },
    { heading: `Sample, seed ${settings.seed}`, html: textHtml([sample]) },
  ];
  const page = reportPage({ title: `Text: ${facts[0][1]}`, summary: facts, sections });
  writeFileSync(join(out, 'report.html'), page);
  const { sample: _, ...numbers } = result;
  const json = { settings, reports, ...numbers, sample };
  writeFileSync(join(out, 'run.json'), `${JSON.stringify(json)}\n`);
}

function curve({ settings, reports, result, vocabulary }: Written): string {
  const bits = (loss: number) => loss / Math.LN2;
  const losses = result.losses.map(bits);
  const uniform = bits(Math.log(vocabulary));
  return lossCurve({
    title: text.curveTitle(settings),
    axis: 'bits a character',
    steps: losses.map((_, i) => i + 1),
    losses,
    smoothed: smooth(losses, 1 - 1 / Math.max(10, losses.length / 100)),
    dev: reports.map(({ at, held }) => ({ step: at, loss: bits(held) })),
    devLabel: 'held out',
    baseline: { value: uniform, label: `uniform ${uniform.toFixed(2)}` },
  });
}
