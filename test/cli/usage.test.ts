import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { MAIN, quickly, run, SMALL, start, workspace } from './command.js';

const { path, list } = workspace();
const quick = quickly();
const { version } = createRequire(import.meta.url)('../../package.json');

beforeAll(async () => {
  await writeFile(path('empty.txt'), '');
  await writeFile(path('blank.txt'), '\r\n  \n\n');
  await writeFile(path('binary.bin'), new Uint8Array([0x61, 0xff, 0xfe, 0x0a]));
  await writeFile(path('two.txt'), 'anna\nbob\n');
  await writeFile(path('few.txt'), 'a\nb\nc\nd\n');
  await writeFile(path('file'), 'x');
  await mkdir(path('folder'));
});

test.each([
  [['--help'], ['train', 'sample', 'inspect']],
  [
    ['train', '--help'],
    [
      '--data',
      '--context',
      '--norm',
      '--lr-decay-at',
      '--resume',
      '--wide',
      '--memory',
      '--json',
      'default: 50000',
      '60 %',
      'Options of names:',
      'Options of text:',
      '--tokens',
      '--positions',
      'default: 50000; text: 5000',
      'Options of words:',
      '--order',
      '--save-every',
    ],
  ],
  [
    ['lr-find', '--help'],
    ['--steps', '--out', '--wide'],
  ],
  [
    ['sample', '--help'],
    ['<dir>', '--count', '--seed', '--prompt', '--length', '--temperature', '--top-k', '--top-p', '--json'],
  ],
  [
    ['sweep', '--help'],
    [
      '--space',
      '--strategy',
      '--count',
      '--eta',
      '--seed',
      '--highest',
      '--jobs',
      '--redis',
      '--resume',
      '--json',
    ],
  ],
  [
    ['worker', '--help'],
    ['[tasks...]', '--redis', 'REDIS_URL', '--jobs', '--threads', '--lost-after', 'runs/worker', '--json'],
  ],
  [
    ['new', '--help'],
    ['<dir>', '--name', '--json'],
  ],
  [
    ['bench', '--help'],
    ['<task>', '--export', '--data', '--threads', '--seconds', '--memory', '--hidden', '--json'],
  ],
  [
    ['cache', '--help'],
    ['[action]', 'clear', 'XDG_CACHE_HOME', '--json'],
  ],
  [
    ['inspect', '--help'],
    ['--stage', 'assemblyscript', '--svg', '--hidden', '--memory'],
  ],
])('%s explains itself', async (args, words) => {
  const { code, stdout, stderr } = await run(...args);
  expect([code, stderr]).toEqual([0, '']);
  for (const word of words) expect(stdout).toContain(word);
});

test('--version prints the version of the package', async () => {
  expect(await run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('no command at all prints the help, on standard error', async () => {
  const { code, stdout, stderr } = await run();
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('Usage: 2headgrad');
});

test.each([
  [['fly'], "unknown command 'fly' (see 2headgrad --help)"],
  [['train'], "missing required argument 'task' (see 2headgrad train --help)"],
  [
    ['train', 'poems'],
    'there is no task "poems": give names, text, words or a model file (.ts, .mts, .js, .mjs)',
  ],
  [['train', 'names', 'now'], 'too many arguments'],
  [['train', 'names', '--hiden', '3'], "unknown option '--hiden' (Did you mean --hidden?)"],
  [['train', 'names', '--steps'], "option '--steps <n>' argument missing"],
  [['train', 'names', '--context', '0'], "argument '0' is invalid. expected a whole number from 1"],
  [['train', 'names', '--context', '2.5'], "argument '2.5' is invalid"],
  [['train', 'names', '--hidden', 'many'], "argument 'many' is invalid"],
  [['train', 'names', '--batch', '0x10'], "argument '0x10' is invalid"],
  [['train', 'names', '--steps', ''], "argument '' is invalid"],
  [['train', 'names', '--steps', '-1'], "argument '-1' is invalid"],
  [['train', 'names', '--lr', '-0.1'], "argument '-0.1' is invalid. expected a number from 0"],
  [['train', 'names', '--lr', 'NaN'], "argument 'NaN' is invalid"],
  [['train', 'names', '--lr', 'Infinity'], "argument 'Infinity' is invalid"],
  [['train', 'names', '--lr', '1e999'], "argument '1e999' is invalid"],
  [['train', 'names', '--norm', 'group'], 'Allowed choices are none, batch, layer'],
  [['train', 'names', '--engine', 'gpu'], 'Allowed choices are compiled, tape'],
  [['train', 'names', '--seed', '4294967296'], "argument '4294967296' is invalid"],
  [['train', 'names', '--threads', '0'], "argument '0' is invalid"],
  [['train', 'names', '--engine', 'tape', '--threads', '2'], 'the tape runs on one thread'],
  [['train', 'names', '--engine', 'tape', '--shards', '4'], '--shards 4: the tape takes batches whole'],
  [['train', 'names', '--wide', '--shards', '4'], 'wide vectors are not to be had with --shards 4'],
  [['train', 'names', '--peer-timeout', '5'], '--peer-timeout: there are no other processes'],
  [['train', 'names', '--engine', 'tape', '--wide'], '--wide: the tape has no vectors'],
  [['train', 'names', '--engine', 'tape', '--memory', '1GB'], '--memory: the tape plans no memory'],
  [['train', 'names', '--memory', '64 bananas'], "argument '64 bananas' is invalid. expected a size above 0"],
  [['inspect', 'names', '--memory', '0'], "argument '0' is invalid. expected a size above 0"],
  [['train', 'names', '--hidden', '1000000', '--embed', '90000', '--steps', '1'], 'would have 270,'],
  [['train', 'names', '--norm', 'batch', '--batch', '1'], '--norm batch needs a batch of at least 2'],
  [['new'], "missing required argument 'dir' (see 2headgrad new --help)"],
  [['new', ''], "'' is invalid for argument 'dir'. Give the name of a folder. (see 2headgrad new --help)"],
  [['bench'], "missing required argument 'task' (see 2headgrad bench --help)"],
  [['train', 'names', '--heads', '4'], '--heads is an option of text, not of names'],
  [['train', 'text', '--hidden', '8'], '--hidden is an option of names and words, not of text'],
  [['train', 'words', '--heads', '4'], '--heads is an option of text, not of words'],
  [['train', 'words', '--hidden', '0'], '--hidden 0 leaves nothing but --direct'],
  [['train', 'words', '--order', '1'], "argument '1' is invalid. expected a whole number from 2"],
  [['train', 'words', '--min-count', '0'], "argument '0' is invalid. expected a whole number from 1"],
  [['train', 'words', '--lr-decay', '1', '--optimizer', 'adam'], '--lr-decay is for --optimizer sgd'],
  [['train', 'words', '--warmup', '1'], '--warmup is for --optimizer adam, and this is sgd'],
  [['train', 'words', '--weight-decay', '-1'], "argument '-1' is invalid"],
  [['train', 'words', '--save-every', '0'], "argument '0' is invalid. expected a number above 0"],
  [['neighbours'], "missing required argument 'words'"],
  [['neighbours', 'a', '--count', '0'], "argument '0' is invalid"],
  [['train', 'text', '--heads', '3'], '--heads 3 does not divide --dim 128'],
  [
    ['train', 'text', '--heads', '4', '--dim', '12', '--positions', 'rotary'],
    '--positions rotary turns pairs of features, and --dim 12 over --heads 4 is 3, an odd number',
  ],
  [['train', 'text', '--positions', 'sines'], 'Allowed choices are learned, rotary'],
  [['train', 'text', '--tokens', 'words'], 'Allowed choices are chars, bytes'],
  [['train', 'text', '--dropout', '1'], "argument '1' is invalid. expected a number from 0 to below 1"],
  [['train', 'text', '--clip', '-1'], "argument '-1' is invalid"],
  [['inspect', 'text', '--norm', 'batch'], '--norm is an option of names, not of text'],
  [['sample', 'x', '--top-p', '0'], "argument '0' is invalid. expected a number above 0, to 1"],
  [['sample', 'x', '--temperature', '-1'], "argument '-1' is invalid"],
  [['sample', 'x', '--top-k', '1.5'], "argument '1.5' is invalid"],
  [['sample', 'x', '--length', 'long'], "argument 'long' is invalid"],
  [['sample'], "missing required argument 'dir'"],
  [['sample', 'x', '--count', '-3'], "argument '-3' is invalid"],
  [
    ['inspect', 'names', '--stage', 'binary'],
    'Allowed choices are graph, schedule, loops, memory, assemblyscript, wat',
  ],
])('%j is a wrong use: one line, exit code 2', async (args, message) => {
  const { code, stdout, stderr } = await quick(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(
    /^2headgrad: .* \(see 2headgrad( train| sample| neighbours| inspect| new| bench)? ?--help\)\n$/,
  );
  expect(stderr).toContain(message);
});

test.each([
  ['a data file that does not exist', ['--data', 'missing.txt'], 'missing.txt": it does not exist'],
  ['a data file that is a folder', ['--data', 'folder'], 'it is a folder'],
  ['an empty data file', ['--data', 'empty.txt'], 'empty.txt" is empty'],
  ['a data file of blank lines', ['--data', 'blank.txt'], 'has only blank lines'],
  ['a data file that is not text', ['--data', 'binary.bin'], 'is not valid UTF-8 on line 1'],
  ['two words', ['--data', 'two.txt'], '2 words are too few'],
  [
    'a batch larger than the data',
    ['--data', 'few.txt', '--batch', '9'],
    '--batch 9 is larger than the data',
  ],
  [
    'a batch larger than the data, by one',
    ['--data', 'few.txt', '--batch', '5'],
    'the 2 words to train on give 4 rows',
  ],
  ['an output folder that is a file', ['--out', 'file'], 'is a file; give a folder'],
  ['an output folder inside of a file', ['--out', 'file/x'], 'is a file; give a folder'],
])('%s: one line, exit code 1, nothing written', async (_, options, message) => {
  const before = await list();
  const places = options.map((option) => (/^(-|\d)/.test(option) ? option : path(option)));
  const data = options.includes('--data') ? [] : ['--data', path('words.txt')];
  const out = options.includes('--out') ? [] : ['--out', path('deep', 'out')];
  const { code, stderr } = await quick(
    ...['train', 'names', ...SMALL, '--steps', '5'],
    ...[...data, ...out, ...places],
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/^2headgrad: .*\n$/);
  expect(stderr).toContain(message);
  expect(await list()).toEqual(before);
});

test('an output folder that refuses new files is found out before training', async () => {
  // Not even root can make a file there.
  const { code, stderr } = await run(
    'train',
    'names',
    ...SMALL,
    '--data',
    path('words.txt'),
    '--out',
    '/proc/self/x',
  );
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^2headgrad: cannot write into the folder "\/proc\/self\/x": .*\n$/),
  ]);
});

test('a loss that is no number any more stops the run, names the step and keeps the last good state', async () => {
  const args = [
    'train',
    'names',
    ...SMALL,
    '--data',
    path('words.txt'),
    '--out',
    path('nan'),
    '--steps',
    '50',
  ];
  const { code, stdout, stderr } = await run(...args, '--lr', '1e38');
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /2headgrad: the loss became (NaN|Infinity) at step \d+; the parameters were put back to step 0/,
  );
  expect(stderr).toContain(`Saved in ${path('nan')}`);
  expect(stdout).not.toContain('Samples');
  const sampled = await quick('sample', path('nan'), '--count', '2');
  expect([sampled.code, sampled.stderr]).toEqual([0, '']);
});

test('a run that diverges at once leaves an earlier model alone', async () => {
  const args = [
    'train',
    'names',
    ...SMALL,
    '--data',
    path('words.txt'),
    '--out',
    path('kept'),
    '--steps',
    '5',
  ];
  expect((await quick(...args)).code).toBe(0);
  const before = await quick('sample', path('kept'));
  const { code, stderr } = await quick(...args, '--lr', '1e38', '--embed', '5');
  expect([code, stderr]).toEqual([1, expect.stringContaining('is as it was before')]);
  expect(await quick('sample', path('kept'))).toEqual(before);
});

test('a reader that leaves early is no error', async () => {
  const args = [
    'train',
    'names',
    ...SMALL,
    '--data',
    path('words.txt'),
    '--out',
    path('piped'),
    '--steps',
    '5',
  ];
  const { child, ended } = start(args);
  child.stdout!.destroy();
  const { code, stderr } = await ended;
  expect(code).toBe(0);
  expect(stderr).not.toMatch(/Error|at .*\.js/);
  await access(path('piped', 'report.html'));
});

test('DEBUG=1 shows where an error comes from', async () => {
  const args = ['train', 'names', ...SMALL, '--data', path('missing.txt')];
  const plain = await run(...args);
  expect(plain.stderr).not.toContain('    at ');
  const { stderr } = await start(args, { DEBUG: '1' }).ended;
  expect(stderr).toContain('    at ');
});

test.runIf(existsSync('/dev/full'))(
  'output that cannot be written is told as a fault of the disk',
  async () => {
    const shell = `"${process.execPath}" "${MAIN}" --help > /dev/full`;
    const { status, stderr } = spawnSync('sh', ['-c', shell], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([
      1,
      '2headgrad: cannot write the output: the disk is full; free some space or choose another place\n',
    ]);
  },
);

test.each([
  ['train', 'config.json'],
  ['train', 'losses.json'],
  ['train', 'report.html'],
  ['lr-find', 'report.html'],
  ['lr-find', 'lr-find.svg'],
])('%s does not write over a %s that is not ours', async (command, file) => {
  const folder = path(`foreign-${command}-${file}`);
  await mkdir(folder);
  await writeFile(join(folder, file), '{"mine": true}');
  const { code, stderr } = await quick(command, 'names', ...SMALL, '--steps', '50', '--out', folder);
  expect([code, stderr]).toEqual([2, expect.stringContaining(`${file} there was not written by 2headgrad`)]);
  expect(await list(`foreign-${command}-${file}`)).toEqual([file]);
  expect(await readFile(join(folder, file), 'utf8')).toBe('{"mine": true}');
});

test('the results of lr-find and of a training are ours: each may write over what it wrote', async () => {
  const folder = path('ours');
  const small = ['names', '--data', path('words.txt'), ...SMALL, '--out', folder];
  for (const command of [
    ['lr-find', ...small, '--steps', '50'],
    ['lr-find', ...small, '--steps', '50'],
    ['train', ...small, '--steps', '3'],
    ['train', ...small, '--steps', '3'],
  ])
    expect(await quick(...command)).toMatchObject({ code: 0 });
});
