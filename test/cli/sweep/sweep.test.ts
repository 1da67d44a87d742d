import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testWith } from '../../processes/programs.js';
import { json, lastJson, quickly, run, start, workspace } from '../command.js';
import { startRedis } from './redis.js';

const withRedis = testWith('redis-server');

const { path, list } = workspace();
const quick = quickly();
const PASSWORD = 'hunter2-%41';

// A training of a sweep has nothing to ask a Redis, and is not to know how.
const HOLD = path('hold');
const MODEL = `import { existsSync } from 'node:fs';
import { accuracy, crossEntropy, f32, i32, nn, optim, setting, trainStep } from '2headgrad';
const hidden = setting('hidden', 16, { min: 1, max: 64, integer: true });
const act = setting('act', 'relu', { choices: ['relu', 'tanh'] });
// What a model prints is no result.
if (process.send) process.stdout.write('{');
if (process.send) process.on('exit', () => console.log('{"steps": 1}'));
if (process.send && (process.env.REDIS_PASSWORD || process.env.REDIS_URL)) throw new Error('it knows the password');
export const step = trainStep({
  model: nn.sequential(nn.linear(2, hidden), nn[act](), nn.linear(hidden, 3)),
  batch: { x: f32(8, 2), y: i32(8) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.sgd(),
  evaluate: { accuracy: (model, { x, y }) => accuracy(model(x), y) },
});
const points = (n, from) => {
  const x = Array.from({ length: n }, (_, i) => [Math.sin(3 * i + from), Math.cos(5 * i + from)]);
  return { x, y: x.map(([a, b]) => (a * b > 0.2 ? 2 : a > b ? 1 : 0)) };
};
export const data = async () => {
  // So that a sweep can be met on its way.
  while (process.send && hidden === 4 && existsSync(${JSON.stringify(HOLD)})) await new Promise((go) => setTimeout(go, 20));
  return { train: points(50, 0), validation: points(13, 1), test: points(9, 2) };
};
`;
const SPACE = { lr: [0.5, 3e38], hidden: [8, 4], steps: 400, engine: 'tape' };

const sweep = (...args: string[]) => [
  ...['sweep', path('points.mjs'), '--space', path('space.json'), '--set', 'act=tanh'],
  ...args,
];
const table = (folder: string) => readFile(path(folder, 'sweep.csv'), 'utf8');
/** Resolves when a process has said something, or has ended. */
const says = ({ child }: { child: ChildProcess }, what: RegExp) =>
  new Promise<void>((resolve) => {
    let seen = '';
    child.once('close', () => resolve());
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (text) => {
        seen += text;
        if (what.test(seen)) resolve();
      });
  });

let whole: Awaited<ReturnType<typeof run>>;

beforeAll(async () => {
  await writeFile(path('points.mjs'), MODEL);
  await writeFile(path('space.json'), JSON.stringify(SPACE));
  whole = await run(...sweep('--jobs', '2', '--json', '--out', path('whole')));
});

test('a sweep trains all configurations, and says which did best and what failed', async () => {
  expect(whole.code).toBe(1);
  const result = lastJson(whole);
  expect(result).toMatchObject({ strategy: 'grid', configurations: 4, missing: 0, out: path('whole') });
  expect([result.done, result.failed]).toEqual([2, 2]);
  const lines = (await table('whole')).trimEnd().split('\n');
  expect(lines).toHaveLength(5);
  expect(lines[0]).toBe(
    'rank,lr,hidden,steps,engine,act,status,train_loss,train_accuracy,dev_loss,dev_accuracy,test_loss,test_accuracy,name,model,reason',
  );
  expect(lines[1]).toMatch(/^1,0\.5,8,400,tape,tanh,done,/);
  expect(lines[4]).toMatch(/^4,3e\+38,[48],400,tape,tanh,diverged,.*the loss became Infinity/);
  const losses = lines.slice(1).map((line) => Number(line.split(',')[9] || Number.POSITIVE_INFINITY));
  expect(losses).toEqual([...losses].sort((a, b) => a - b));
  expect(result.best).toMatchObject({ settings: { lr: 0.5, hidden: 8, act: 'tanh' }, loss: losses[0] });
  expect(whole.stderr).toMatch(/4 of 4 {2}lr \S+, hidden \d: /);
  const page = await readFile(path('whole', 'report.html'), 'utf8');
  for (const part of [
    'a sweep of 4 configurations',
    'Settings and what they led to',
    'How the best of them learned',
    'Loss of the best 2 on validation',
  ])
    expect(page).toContain(part);
  expect(page).toContain('--steps 400 --lr 0.5 --engine tape --set hidden=8 --set act=tanh');
  // The folder of a training is one that train has written, and the command of the best gives its bits again.
  const own = join('whole', 'trials', result.best.name);
  expect(await list(own)).toEqual(
    ['config.json', 'loss.svg', 'losses.json', 'model.safetensors', 'report.html', 'trial.json'].sort(),
  );
  const { outcome, settings } = await json(path(own, 'trial.json'));
  expect([settings.lr, outcome.status, outcome.measured.dev.loss]).toEqual([0.5, 'done', losses[0]]);
  await run(
    'train',
    path('points.mjs'),
    '--steps',
    '400',
    '--lr',
    '0.5',
    '--engine',
    'tape',
    '--set',
    'hidden=8',
    '--set',
    'act=tanh',
    '--out',
    path('again'),
  );
  expect(await readFile(path('again', 'model.safetensors'))).toEqual(
    await readFile(path(own, 'model.safetensors')),
  );
});

test('one that is stopped, killed and gone on with runs what is missing alone, to the same table', async () => {
  const out = ['--out', path('parts')];
  await writeFile(HOLD, '');
  const first = start(sweep('--jobs', '1', ...out));
  await says(first, /1 of 4/);
  first.child.kill('SIGINT');
  await rm(HOLD);
  const stopped = await first.ended;
  expect(stopped.code).toBe(130);
  expect(stopped.stdout).toContain(`Go on with: 2headgrad sweep ${path('points.mjs')} --resume --out`);
  const trials = () =>
    readdirSync(path('parts', 'trials')).filter((name) =>
      existsSync(path('parts', 'trials', name, 'trial.json')),
    );
  const early = trials();
  expect(early.length).toBeLessThan(4);
  const times = () =>
    Promise.all(early.map(async (name) => (await stat(path('parts', 'trials', name, 'trial.json'))).mtimeMs));
  const before = await times();
  const refused = await quick(...sweep(...out));
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining('it holds a sweep: go on with it by --resume'),
  ]);

  const resume = ['sweep', path('points.mjs'), '--resume', ...out];
  await writeFile(HOLD, '');
  const second = start(resume);
  await says(second, /\d of 4/);
  second.child.kill('SIGKILL');
  await second.ended;
  await rm(HOLD);
  // Its training notices, saves and ends by itself, and the next one waits for that.
  const { code, stderr } = await run(...resume);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/4 of 4/)]);
  expect(await table('parts')).toBe(await table('whole'));
  expect(await times()).toEqual(before);
});

test('halving gives the best more steps', async () => {
  const space = {
    lr: { min: 0.01, max: 1, log: true },
    steps: 30,
    engine: 'tape',
    hidden: 8,
    embed: 2,
    batch: 8,
  };
  await writeFile(path('names.json'), JSON.stringify(space));
  const args = ['--space', path('names.json'), '--data', path('words.txt'), '--strategy', 'halving'];
  const ended = await run('sweep', 'names', ...args, '--count', '3', '--seed', '5', '--out', path('halved'));
  expect([ended.code, ended.stdout]).toEqual([
    0,
    expect.stringContaining('3 configurations, halved in 2 rounds: 3 for 10 steps, 1 for 30 steps'),
  ]);
  expect(ended.stderr).toMatch(/round 2 of 2, 3 of 3 {2}lr /);
  const rows = (await table('halved'))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
  const round = rows[0].indexOf('round');
  expect(rows.slice(1).map((row) => row[round])).toEqual(['2', '1', '1']);
  expect(readdirSync(path('halved', 'trials'))).toHaveLength(4);
});

test('wrong uses are refused, and touch nothing', async () => {
  await writeFile(path('range.json'), '{"lr": {"min": 0.1, "max": 1}}');
  await writeFile(path('width.json'), '{"width": [8, 16]}');
  // What it computes by default is the same.
  await writeFile(
    path('other.mjs'),
    MODEL.replace('nn[act]()', "(act === 'relu' ? nn.relu() : nn.sigmoid())"),
  );
  await writeFile(path('twice.json'), '{"lr": 1, "lr": 2}');
  await mkdir(path('linked'));
  await copyFile(path('whole', 'sweep.json'), path('linked', 'sweep.json'));
  await symlink(path('whole', 'trials'), path('linked', 'trials'));
  const cases: [string[], number, string][] = [
    [['sweep', 'names', '--out', path('new')], 2, '--space: give a JSON file with what each setting may be'],
    [['sweep', 'names', '--space', path('none.json'), '--out', path('new')], 1, 'cannot read the space'],
    [['sweep', 'names', '--space', path('twice.json'), '--out', path('new')], 1, 'has the key "lr" twice'],
    [
      ['sweep', path('points.mjs'), '--space', path('width.json'), '--out', path('new')],
      1,
      'has no setting width. Its options are steps, lr,',
    ],
    [
      sweep('--set', 'hidden=3', '--out', path('new')),
      2,
      '--set hidden=3: the space says what hidden may be',
    ],
    [
      ['sweep', 'names', '--space', path('range.json'), '--set', 'hidden=3', '--out', path('new')],
      2,
      '--set hidden=3: that is for what a model file asks for; names has options: --context, --embed,',
    ],
    [
      ['sweep', path('other.mjs'), '--resume', '--out', path('whole')],
      1,
      'the training step is another one, or its file was changed',
    ],
    [sweep('--count', '3', '--out', path('new')), 2, '--count 3: a grid has all combinations'],
    [sweep('--seed', '3', '--out', path('new')), 2, '--seed 3: a grid draws nothing'],
    [sweep('--eta', '3', '--out', path('new')), 2, '--eta 3 is for --strategy halving, and this is grid'],
    [
      sweep('--highest', 'acuracy', '--out', path('new')),
      2,
      'measures no number acuracy: did you mean accuracy?',
    ],
    [
      sweep('--resume', '--out', path('whole'), '--highest', 'accuracy'),
      1,
      'it was judged by loss and is by accuracy',
    ],
    [
      ['sweep', path('points.mjs'), '--resume', '--space', path('range.json'), '--out', path('whole')],
      1,
      'its space was another one',
    ],
    [sweep('--resume', '--out', path('linked')), 1, 'is a symbolic link, and a sweep writes into its own'],
    [['worker', 'names', '--redis', `redis://:${PASSWORD}@`], 2, '--redis is not the URL of a Redis'],
    [
      ['worker', '--data', 'x', '--redis', 'redis://h'],
      2,
      '--data and --export are for a worker of one task',
    ],
  ];
  for (const [args, code, message] of cases) {
    const ended = await quick(...args);
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(message)]);
    expect(ended.stderr).not.toContain(PASSWORD);
  }
  expect(existsSync(path('new'))).toBe(false);
});

const workers: ChildProcess[] = [];
afterAll(() => {
  for (const child of workers) child.kill('SIGKILL');
});

withRedis(
  'workers of a Redis give the same table, though one is killed, and show its password to nobody',
  async () => {
    const redis = await startRedis(path(), PASSWORD);
    workers.push(redis.child);
    const secret = { REDIS_PASSWORD: PASSWORD };
    const worker = (env: Record<string, string>, ...more: string[]) => {
      const one = start(
        ['worker', path('points.mjs'), '--out', path('work'), '--jobs', '1', '--lost-after', '1', ...more],
        env,
      );
      workers.push(one.child);
      return one;
    };
    // On the command line: lists of processes must not show it for long.
    const url = redis.url.replace('//', `//:${encodeURIComponent(PASSWORD)}@`);
    const all = start(sweep('--out', path('shared'), '--redis', url));
    await says(all, /No worker takes these trainings yet.*2headgrad worker .*points\.mjs --redis URL/);
    if (process.platform === 'linux')
      expect(readFileSync(`/proc/${all.child.pid}/cmdline`, 'utf8')).not.toContain(
        encodeURIComponent(PASSWORD),
      );

    const lost = worker(secret, '--redis', redis.url);
    const holds = () =>
      existsSync(path('work')) &&
      readdirSync(path('work')).some((name) => existsSync(path('work', name, '.2headgrad-lock')));
    // Its trainings are short: all of them may be over before one is seen.
    while (!holds() && all.child.exitCode === null) await sleep(5);
    lost.child.kill('SIGKILL');
    await lost.ended;

    const other = worker({ REDIS_URL: url });
    const ended = await all.ended;
    other.child.kill('SIGTERM');
    const { code, stdout, stderr } = await other.ended;
    expect([code, stdout]).toEqual([
      143,
      expect.stringMatching(
        /Waits at redis:\/\/127\.0\.0\.1:\d+ for trainings of .*points\.mjs; 1 training at a time/,
      ),
    ]);
    expect(stderr).toContain('Stopping');
    expect(ended.code).toBe(1);
    expect(await table('shared')).toBe(await table('whole'));
    expect(readdirSync(path('shared', 'trials'))).toHaveLength(4);
    const texts = [ended.stdout, ended.stderr, stdout, stderr, (await lost.ended).stdout];
    for (const name of ['sweep.json', 'report.html', 'sweep.csv'])
      texts.push(await readFile(path('shared', name), 'utf8'));
    for (const text of texts) expect(text).not.toMatch(/hunter2/);
  },
);

withRedis('a Redis that is not there, or does not let in, is an error that says what to do', async () => {
  const redis = await startRedis(path(), PASSWORD);
  workers.push(redis.child);
  const [none, closed, wrong] = await Promise.all([
    run(...sweep('--out', path('no'), '--redis', 'redis://127.0.0.1:1')),
    run('worker', 'names', '--redis', redis.url),
    start(['worker', 'names', '--redis', redis.url], { REDIS_PASSWORD: 'hunter3' }).ended,
  ]);
  expect([none.code, none.stderr]).toEqual([
    1,
    '2headgrad: cannot use the Redis at redis://127.0.0.1:1: nothing listens there: start redis-server, or check host and port\n',
  ]);
  expect([closed.code, closed.stderr]).toEqual([
    1,
    expect.stringContaining('it wants a password: set REDIS_PASSWORD'),
  ]);
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    `2headgrad: cannot use the Redis at ${redis.url}: user or password are wrong\n`,
  ]);
  expect(existsSync(path('no'))).toBe(false);
});
