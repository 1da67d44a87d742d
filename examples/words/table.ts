// npx tsx examples/words/table.ts [--out FOLDER] [--only MLP1,MLP3] [-- OPTIONS of train words]
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

interface Setting {
  name: string;
  order: number;
  hidden: number;
  embed: number;
  direct: boolean;
  /** What the paper has for it, and for its mixture with a trigram (Bengio et al. 2003, table 1). */
  paper?: { train: number; dev: number; test: number; mixed: { name: string; dev: number; test: number } };
  more?: string[];
}

const PAPER: Setting[] = [
  row('MLP1', { order: 5, hidden: 50, embed: 60, direct: true }, [182, 284, 268], 'MLP2', [275, 257]),
  row('MLP3', { order: 5, hidden: 0, embed: 60, direct: true }, [201, 327, 310], 'MLP4', [286, 272]),
  row('MLP5', { order: 5, hidden: 50, embed: 30, direct: true }, [209, 296, 279], 'MLP6', [273, 259]),
  row('MLP7', { order: 3, hidden: 50, embed: 30, direct: true }, [210, 309, 293], 'MLP8', [284, 270]),
  row('MLP9', { order: 5, hidden: 100, embed: 30, direct: false }, [175, 280, 276], 'MLP10', [265, 252]),
];
/** Eight epochs reach what takes more than twenty at the paper's rate, 0.064 for the mean of 64 words, which hardly decays. */
const DESCENT = ['--lr', '0.8', '--lr-decay', '5e-7', '--epochs', '8'];
/** What the paper did not have. */
const TODAY: Setting[] = [
  {
    ...{ name: 'Adam, dropout', order: 5, hidden: 100, embed: 60, direct: false },
    more: ['--optimizer', 'adam', '--dropout', '0.2', '--batch', '256', '--epochs', '5'],
  },
];
const OTHERS: [name: string, order: number, test: number][] = [
  ['interpolated', 3, 336],
  ['modified Kneser-Ney', 3, 323],
  ['modified Kneser-Ney', 4, 321],
  ['modified Kneser-Ney', 5, 321],
  // The paper's best, of 500 classes.
  ['class-based (200)', 3, 312],
];

process.on('uncaughtException', ({ message }) => {
  console.error(message);
  process.exit(1);
});
const { out, settings, common } = options();
mkdirSync(out, { recursive: true });
for (const setting of settings) {
  const result = join(out, `${fileName(setting)}.json`);
  if (!existsSync(result)) writeFileSync(result, await train(setting));
  const table = markdown(settings.filter((other) => existsSync(join(out, `${fileName(other)}.json`))));
  writeFileSync(join(out, 'table.md'), table);
}
console.log(readFileSync(join(out, 'table.md'), 'utf8').trimEnd());

/** The result of `train words`, which goes on where it was interrupted. */
function train(setting: Setting): Promise<string> {
  const { name, order, hidden, embed, direct, more = DESCENT } = setting;
  const folder = join(out, fileName(setting));
  console.error(`${name}: ${folder}`);
  const model = ['--order', `${order}`, '--hidden', `${hidden}`, '--embed', `${embed}`];
  if (direct) model.push('--direct');
  // The paper's corpus, where no other is given: its marks between paragraphs are words.
  if (!common.some((option) => /^--(data|corpus)\b/.test(option))) model.push('--marks');
  const begun = existsSync(join(folder, 'model.safetensors'));
  const args = begun ? ['--resume'] : [...model, ...more];
  const home = dirname(createRequire(import.meta.url).resolve('2headgrad/package.json'));
  const main = join(home, 'dist/cli/main.js');
  const child = spawn(
    process.execPath,
    [main, 'train', 'words', '--out', folder, '--json', ...args, ...common],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout.on('data', (text) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(said.trimEnd().split('\n').at(-1)!);
      else reject(new Error(`${name} ended with ${signal ?? code}; the same command goes on with it`));
    });
  });
}

interface Result {
  perplexity: { model: string; order: number | null; train: number | null; dev: number; test: number }[];
  steps: number;
  best_step: number;
  steps_per_second: number;
}

/** Our numbers, each with the paper's behind it. */
function markdown(done: readonly Setting[]): string {
  const results = done.map((setting) => ({ setting, ...read(setting) }));
  const lines = [
    '|  | n | h | m | direct | mix | train | valid | test | time |',
    '|---|---|---|---|---|---|---|---|---|---|',
  ];
  const cells = (...all: (string | number)[]) => lines.push(`| ${all.join(' | ')} |`);
  for (const { setting, perplexity, steps, steps_per_second } of results) {
    const { name, order, hidden, embed, direct, paper } = setting;
    const sizes = [order, hidden, embed, direct ? 'yes' : 'no'];
    const time = steps_per_second > 0 ? `${(steps / steps_per_second / 3600).toFixed(1)} h` : '';
    const [own] = perplexity;
    const half = perplexity.find(({ model }) => model.endsWith(', 0.50 0.50'))!;
    cells(
      name,
      ...sizes,
      'no',
      both(own.train, paper?.train),
      both(own.dev, paper?.dev),
      both(own.test, paper?.test),
      time,
    );
    const { mixed } = paper ?? {};
    cells(
      mixed?.name ?? `${name}, mixed`,
      ...sizes,
      'yes',
      '',
      both(half.dev, mixed?.dev),
      both(half.test, mixed?.test),
      '',
    );
    // With weights fitted to the valid words, which the paper did not try.
    const all = perplexity.at(-1)!;
    cells(`${name} with all n-grams, fitted`, ...sizes, 'yes', '', both(all.dev), both(all.test), '');
  }
  for (const { model, order, train, dev, test } of results[0].perplexity
    .filter((row) => row.order !== null)
    .slice(1)) {
    const known = OTHERS.find(([name, n]) => name === model && n === order);
    cells(model, order!, '', '', '', '', both(train), both(dev), both(test, known?.[2]), '');
  }
  return `${lines.join('\n')}\n`;
}

function read(setting: Setting): Result {
  return JSON.parse(readFileSync(join(out, `${fileName(setting)}.json`), 'utf8'));
}

function both(ours: number | null, paper?: number): string {
  if (ours === null) return '';
  return paper === undefined ? ours.toFixed(1) : `${ours.toFixed(1)} (${paper})`;
}

function fileName({ name }: Setting): string {
  return name.replace(/\W+/g, '-');
}

function row(
  name: string,
  sizes: Pick<Setting, 'order' | 'hidden' | 'embed' | 'direct'>,
  [train, dev, test]: number[],
  mixedName: string,
  [mixedDev, mixedTest]: number[],
): Setting {
  const mixed = { name: mixedName, dev: mixedDev, test: mixedTest };
  return { name, ...sizes, paper: { train, dev, test, mixed } };
}

function options() {
  const { values, positionals } = parseArgs({
    options: { out: { type: 'string' }, only: { type: 'string' } },
    allowPositionals: true,
  });
  const all = [...PAPER, ...TODAY];
  const names = values.only?.split(',') ?? PAPER.map(({ name }) => name);
  const chosen = names.map((name) => {
    const found = all.find((setting) => setting.name === name || fileName(setting) === name);
    if (found) return found;
    throw new Error(`--only: there is no row ${name}; there are ${all.map(fileName).join(', ')}`);
  });
  return { out: values.out ?? 'runs/words-table', settings: chosen, common: positionals };
}
