import { cp, readFile, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { decodeSafetensors } from '../../src/data/safetensors.js';
import { json, lastJson, quickly, run, start, training, workspace } from './command.js';

const { path, list } = workspace();
const TINY = [
  '--engine',
  'tape',
  '--layers',
  '1',
  '--heads',
  '2',
  '--dim',
  '8',
  '--context',
  '8',
  '--batch',
  '4',
];
const LINE = 'the cat sat on the mat; the dog sat on the log.\n';
const quick = quickly();
const command = (out: string, ...args: string[]) => [
  ...['train', 'text', ...TINY, '--data', path('text.txt'), '--out', path(out), ...args],
];
const train = (out: string, ...args: string[]) => quick(...command(out, ...args));
const model = (out: string) => readFile(path(out, 'model.safetensors'));

beforeAll(async () => {
  await writeFile(path('text.txt'), LINE.repeat(20));
  await writeFile(path('latin1.txt'), Buffer.from('one\ncaf\xe9 au lait\n'.repeat(30), 'latin1'));
  await writeFile(path('nul.bin'), Buffer.from(`${LINE}\0${LINE}`.repeat(10)));
  await writeFile(path('short.txt'), 'abcdefghijklmnopqrstuvwxyz'.slice(0, 26));
  const many = Array.from({ length: 17_000 }, (_, i) => String.fromCodePoint(0x4e00 + i));
  await writeFile(path('many.txt'), many.join(''));
  // Half of the steps of a whole run, with the same learning rates.
  const rates = ['--warmup', '4', '--lr-steps', '30', '--lr', '0.01', '--dropout', '0.1'];
  await Promise.all([
    train('whole', '--steps', '30', ...rates, '--json'),
    train('half', '--steps', '12', ...rates),
  ]);
});

test('train text learns, tells losses in bits too, and writes the folder', async () => {
  const learning = ['--steps', '60', '--lr', '0.02', '--positions', 'rotary', '--tie', '--json'];
  const ended = await run(...command('a', ...learning));
  expect([ended.code, ended.stderr.includes('2headgrad:')]).toEqual([0, false]);
  const result = lastJson(ended);
  const characters = new Set(LINE).size;
  expect(result).toMatchObject({ task: 'text', steps: 60, characters: 960, vocabulary: characters });
  expect(result.baseline).toBeCloseTo(Math.log(characters), 12);
  expect(result.dev_loss).toBeLessThan(result.baseline - 0.5);
  expect(result.dev_bits).toBeCloseTo(result.dev_loss / Math.LN2, 12);
  expect(result.samples).toHaveLength(1);
  expect(result.samples[0]).toHaveLength(300);
  expect(await list('a')).toEqual([
    'config.json',
    'loss.svg',
    'losses.json',
    'model.safetensors',
    'report.html',
  ]);
  const page = await readFile(path('a', 'report.html'), 'utf8');
  for (const part of [
    'Bits per character over the steps',
    result.dev_bits.toFixed(4),
    'perplexity',
    'too many for a picture',
  ])
    expect(page).toContain(part);
  const names = [...decodeSafetensors(await model('a')).tensors.keys()];
  expect(names).toContain('blocks.0.attention.input.weight');
  for (const absent of ['head.weight', 'positions.weight']) expect(names).not.toContain(absent);
});

test('the same seed gives the same bytes, and a resumed run those of one in a single go', async () => {
  const ended = await run('train', 'text', '--resume', '--out', path('half'), '--steps', '30', '--json');
  expect(ended.stderr).toContain('Going on from step 12 of 30');
  expect((await model('half')).equals(await model('whole'))).toBe(true);
  expect((await json(path('half', 'losses.json'))).train).toEqual(
    (await json(path('whole', 'losses.json'))).train,
  );
});

test('Ctrl-C saves where training stands', async () => {
  const going = start([
    'train',
    'text',
    ...TINY,
    '--data',
    path('text.txt'),
    '--out',
    path('stopped'),
    '--steps',
    '100000',
  ]);
  await training(going);
  going.child.kill('SIGINT');
  const ended = await going.ended;
  expect(ended.code).toBe(130);
  expect(ended.stdout).toMatch(/saved\. Go on with: 2headgrad train text --resume --out/);
});

test('a run of another kind is not gone on with, and what its model is stays', async () => {
  const other = await quick('train', 'names', '--resume', '--out', path('whole'));
  expect([other.code, other.stderr]).toEqual([
    2,
    expect.stringContaining('is one of text: 2headgrad train text --resume'),
  ]);
  const wider = await quick('train', 'text', '--resume', '--out', path('whole'), '--dim', '16');
  expect([wider.code, wider.stderr]).toEqual([2, expect.stringMatching(/--dim 16: the run in .* has 8/)]);
  await cp(path('whole'), path('changed'), { recursive: true });
  await writeFile(
    path('changed', 'config.json'),
    JSON.stringify({ ...(await json(path('whole', 'config.json'))), heads: 3 }),
  );
  for (const ended of [
    await quick('sample', path('changed')),
    await quick('train', 'text', '--resume', '--out', path('changed')),
  ])
    expect([ended.code, ended.stderr]).toEqual([
      1,
      expect.stringContaining('--heads 3 does not divide --dim 8'),
    ]);
});

test('settings of a stranger that are of a larger model are refused before any is made', async () => {
  await cp(path('whole'), path('larger'), { recursive: true });
  await writeFile(
    path('larger', 'config.json'),
    JSON.stringify({ ...(await json(path('whole', 'config.json'))), layers: 1000 }),
  );
  for (const ended of [
    await quick('sample', path('larger')),
    await quick('train', 'text', '--resume', '--out', path('larger')),
  ])
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('do not belong together')]);
});

test.each([
  [
    'no UTF-8',
    ['--data', 'latin1.txt'],
    'is not valid UTF-8 on line 2; save it as UTF-8, or give --tokens bytes',
  ],
  [
    'a NUL byte',
    ['--data', 'nul.bin'],
    'has a NUL byte at byte 48, so it is no text; --tokens bytes takes any file',
  ],
  [
    'a text shorter than its contexts',
    ['--data', 'short.txt'],
    'a text of 26 is too short for a context of 8: train, dev and test need 9 each, 27 together',
  ],
  [
    'too many characters',
    ['--data', 'many.txt'],
    'has 17,000 different characters, more than 16,384: give --tokens bytes',
  ],
  [
    'a batch larger than the data',
    ['--batch', '9000'],
    '--batch 9000 is larger than the data: the 768 characters to train on give 760 rows',
  ],
])('%s is named', async (_, args, message) => {
  const places = args.map((arg) => (arg.endsWith('.txt') || arg.endsWith('.bin') ? path(arg) : arg));
  const { code, stderr } = await quick(
    ...['train', 'text', ...TINY, '--data', path('text.txt'), '--out', path('bad')],
    ...['--steps', '1', ...places],
  );
  expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('bytes of any file can be trained on, and are told as such', async () => {
  const ended = await train(
    'bytes',
    '--data',
    path('nul.bin'),
    '--tokens',
    'bytes',
    '--steps',
    '2',
    '--json',
  );
  expect(lastJson(ended)).toMatchObject({ bytes: 970, vocabulary: 256 });
  expect((await json(path('bytes', 'config.json'))).vocabulary).toEqual({ bytes: true });
  expect(await readFile(path('bytes', 'report.html'), 'utf8')).toContain('Bits per byte');
  const sampled = await quick(
    'sample',
    path('bytes'),
    '--prompt',
    'é',
    '--length',
    '4',
    '--top-k',
    '1',
    '--json',
  );
  expect(lastJson(sampled).samples[0]).toMatch(/^é/);
});

test('sample goes on from a prompt, the same for the same seed and with fewer tokens a part of it', async () => {
  const sample = async (...args: string[]) => {
    const { code, stdout, stderr } = await quick('sample', path('whole'), '--json', ...args);
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout).samples as string[];
  };
  const [first] = await sample('--prompt', 'the ', '--length', '50');
  expect(first).toMatch(/^the /);
  expect(first).toHaveLength(54);
  expect((await sample('--prompt', 'the ', '--length', '20'))[0]).toBe(first.slice(0, 24));
  const greedy = await sample('--prompt', 'the ', '--temperature', '0', '--count', '2');
  expect(greedy[0]).toBe(greedy[1]);
  expect((await sample('--prompt', 'the ', '--top-k', '1'))[0]).toBe(greedy[0]);
  expect((await sample('--prompt', 'the ', '--top-p', '1e-9'))[0]).toBe(greedy[0]);
  expect((await sample('--seed', '1'))[0]).toHaveLength(200);
});

test.each([
  [['--prompt', 'the Éowyn'], 'the model does not know "É" (U+00C9), "w" (U+0077), "y" (U+0079)'],
  [
    ['--prompt', 'the cat sat'],
    '--prompt has 11 tokens, and the model sees 8 (its context): give the last 8',
  ],
  [['--prompt', ''], '--prompt is empty'],
])('a prompt %j is refused', async (args, message) => {
  const { code, stdout, stderr } = await quick('sample', path('whole'), ...args);
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)]);
});

test('inspect and lr-find know texts too', async () => {
  const { stdout } = await quick(
    'inspect',
    'text',
    ...TINY.slice(2),
    '--data',
    path('text.txt'),
    '--stage',
    'graph',
  );
  // A layout would take hours.
  const drawn = await quick(
    'inspect',
    'text',
    ...TINY.slice(2),
    '--data',
    path('text.txt'),
    '--svg',
    path('graph.svg'),
  );
  expect([drawn.code, drawn.stderr]).toEqual([
    2,
    expect.stringMatching(/the graph has \d+ nodes, and can be laid out with at most 250/),
  ]);
  expect(stdout).toMatch(/^graph text\.train\(x: i32\[4,8\], y: i32\[4,8\]/);
  const other = await quick('lr-find', 'text', '--data', path('text.txt'), '--norm', 'batch');
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('--norm is an option of names')]);
});
