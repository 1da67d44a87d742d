import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect } from 'vitest';
import { makeHosts } from '../../scripts/namespaces.mjs';
import { type Ended, MAIN, run, WORDS, workspace } from '../cli/command.js';
import { ROOT } from '../docs/pages.js';
import { testWith, testWithHosts } from '../processes/programs.js';

const test = testWith('mpirun', 'pgrep');
const testHosts = testWithHosts('mpirun');

const { path } = workspace();
const STEPS = 1000;
const SMALL = [
  '--hidden',
  '16',
  '--embed',
  '4',
  '--batch',
  '8',
  '--norm',
  'batch',
  '--shards',
  '4',
  '--steps',
  `${STEPS}`,
];
const names = (out: string, ...more: string[]) => [
  'train',
  'names',
  '--data',
  path('words.txt'),
  '--out',
  path(out),
  ...more,
];
const model = (out: string) => readFile(path(out, 'model.safetensors'));
const started: ChildProcess[] = [];

afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
});

/** Runs what a shell would after mpirun; as root and on few processors, too. */
const mpirun = (...args: string[]) => start('mpirun', ['--oversubscribe', ...args]);

function start(
  command: string,
  args: string[],
): { child: ChildProcess; ended: Promise<Ended>; told(): string } {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      DEBUG: '',
      NO_COLOR: '1',
      OMPI_ALLOW_RUN_AS_ROOT: '1',
      OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
    },
  });
  started.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code) => resolve({ code, stdout, stderr })),
  );
  return { child, ended, told: () => stderr };
}

const processes = (n: number, ...args: string[]) => mpirun('-n', `${n}`, process.execPath, MAIN, ...args);

/** The processes that a process has started, in their order. */
const childrenOf = ({ pid }: ChildProcess) =>
  execFileSync('pgrep', ['-P', `${pid}`], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number);

test('a process that is killed ends all at once, and with other numbers of processes the run ends in the bits of one alone', async () => {
  const alone = run(...names('alone', ...SMALL));
  const four = processes(4, ...names('killed', ...SMALL, '--distributed', '--save-every', '0.05'));
  while (!(await stat(path('killed', 'model.safetensors')).catch(() => null))) {
    expect(four.child.exitCode).toBeNull();
    await sleep(20);
  }
  const killed = performance.now();
  process.kill(childrenOf(four.child)[2], 'SIGKILL');
  const { code, stderr } = await four.ended;
  expect(performance.now() - killed).toBeLessThan(10_000);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/rank 2/);
  expect(stderr).toContain(path('killed'));
  const two = await processes(2, ...names('killed', '--distributed', '--resume')).ended;
  expect(two.stderr).not.toContain('2headgrad:');
  expect(two.code).toBe(0);
  expect(two.stdout).toMatch(/Going on from step [\d,]+ of 1,000/);
  // The first process alone tells and writes.
  expect(two.stdout.match(/Report: /g)).toHaveLength(1);
  expect((await alone).code).toBe(0);
  expect((await model('killed')).equals(await model('alone'))).toBe(true);
});

test('SIGTERM to any of the processes saves the run and ends it, and one process goes on', async () => {
  const two = processes(2, ...names('stopped', ...SMALL, '--distributed', '--save-every', '0.05'));
  while (!(await stat(path('stopped', 'model.safetensors')).catch(() => null))) await sleep(20);
  process.kill(childrenOf(two.child)[1], 'SIGTERM');
  const { code, stdout } = await two.ended;
  expect(stdout).toMatch(/Stopped at step [\d,]+ of 1,000; saved/);
  expect(code).toBe(143);
  const one = await run(...names('stopped', '--resume'));
  expect(one.code).toBe(0);
  expect((await model('stopped')).equals(await model('alone'))).toBe(true);
});

test('processes with other settings of a model file refuse to train', async () => {
  await writeFile(
    path('model.mjs'),
    `import { f32, nn, optim, setting, trainStep } from '2headgrad';
export const step = trainStep({ model: nn.linear(1, setting('width', 1)), batch: { x: f32(2, 1) },
  loss: (model, { x }) => model(x).mean(), optimizer: optim.sgd() });
export const data = { x: [0, 1] };
`,
  );
  const part = (...set: string[]) => [
    ...['-n', '1', process.execPath, MAIN, 'train', path('model.mjs'), '--distributed', '--shards', '2'],
    ...['--out', path('widths'), ...set],
  ];
  const { code, stderr } = await mpirun(...part(), ':', ...part('--set', 'width=2')).ended;
  expect(code).not.toBe(0);
  expect(stderr).toMatch(
    /rank 1 on host .*: width is 2 here, and 1 in the first process: give all the same --set, and the same file/,
  );
});

test('processes with other data refuse to train, and say so once', async () => {
  await writeFile(path('others.txt'), `${[...WORDS].reverse().join('\n')}\n`);
  const part = (data: string) => [
    ...['-n', '1', process.execPath, MAIN, 'train', 'names', ...SMALL, '--distributed'],
    ...['--data', path(data), '--out', path('differ')],
  ];
  const { code, stderr } = await mpirun(...part('words.txt'), ':', ...part('others.txt')).ended;
  expect(code).toBe(1);
  expect(stderr.match(/the processes would not train the same/g)).toHaveLength(1);
  expect(stderr).toMatch(/rank 1 on host .* \(process \d+\) has another data than rank 0 on host /);
});

test('a number of processes that does not divide the shards is refused with those that do', async () => {
  const { code, stderr } = await processes(3, ...names('three', ...SMALL, '--distributed')).ended;
  expect(code).toBe(2);
  expect(stderr).toContain(
    '--distributed: 4 shards cannot be shared equally by 3 processes: start 1, 2 or 4 of them',
  );
});

test('the program of the guide prints what it says there, alone and on four processes, and saves the same bits', async () => {
  const text = await readFile(join(ROOT, 'docs/guide/distributed.md'), 'utf8');
  const [, program, printed] = /```js\n([\s\S]*?)```[\s\S]*?```text\n([\s\S]*?)```/.exec(text)!;
  // Where the package is found by its own name.
  const folder = join(ROOT, `build/distributed-${process.pid}`);
  await mkdir(folder, { recursive: true });
  try {
    const saved = join(folder, 'model.safetensors');
    await writeFile(join(folder, 'train.mjs'), program);
    const bits = [];
    for (const processes of [1, 4]) {
      const command = [process.execPath, 'train.mjs'];
      const { code, stdout } = await mpirun('-n', `${processes}`, '--wdir', folder, ...command).ended;
      expect(code).toBe(0);
      expect(stdout.replaceAll('\r', '')).toBe(printed);
      bits.push(await readFile(saved));
      await rm(saved);
    }
    expect(bits[0].equals(bits[1])).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a process joins once, alone too', async () => {
  const program = `import { mpi } from ${JSON.stringify(join(ROOT, 'dist/distributed/index.js'))};
    const { rank, size } = await mpi();
    console.log(rank, size, await mpi().catch(({ message }) => message), await mpi({ seconds: -1 }).catch(({ message }) => message));`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect(printed).toBe(
    '0 1 mpi: it was called before in this process: use what it gave then mpi: seconds must be above 0, got -1\n',
  );
});

testHosts('four processes on two hosts end in the bits of one alone', async () => {
  const hosts = makeHosts();
  try {
    const training = names('hosts', ...SMALL, '--distributed');
    const { command, args } = hosts.mpirun(2, ['--oversubscribe', process.execPath, MAIN, ...training]);
    const { code, stdout, stderr } = await start(command, args).ended;
    expect(stderr).not.toContain('2headgrad:');
    expect(code).toBe(0);
    expect(stdout).toContain('4 processes of 1 shard each');
    expect((await model('hosts')).equals(await model('alone'))).toBe(true);
  } finally {
    hosts.close();
  }
});

testHosts(
  'where the cable between two hosts is pulled all processes end, and the host that is lost is named',
  async () => {
    const hosts = makeHosts();
    const isNode = (pid: number) =>
      readlink(`/proc/${pid}/exe`).then(
        (path) => path === process.execPath,
        () => false,
      );
    try {
      const long = ['--steps', '1000000', '--distributed', '--save-every', '0.05', '--peer-timeout', '1'];
      const training = names('cut', ...SMALL, ...long);
      const { command, args } = hosts.mpirun(1, [process.execPath, MAIN, ...training]);
      const { child, told } = start(command, args);
      while (!(await stat(path('cut', 'model.safetensors')).catch(() => null))) {
        expect(child.exitCode, told()).toBeNull();
        await sleep(20);
      }
      const before = [...hosts.pids(0), ...hosts.pids(1)];
      hosts.cut();
      const cut = performance.now();
      // mpirun itself may wait longer, for its daemon on the other host.
      const left = async () => (await Promise.all(before.map(isNode))).filter(Boolean).length;
      expect(await left()).toBe(2);
      while ((await left()) > 0) {
        expect(performance.now() - cut).toBeLessThan(10_000);
        await sleep(50);
      }
      expect(told()).toMatch(/rank 1 on host hostb \(process \d+\) has not answered for 1 s/);
      expect(told()).toContain(`is in ${path('cut')}: start again with --resume`);
    } finally {
      hosts.close();
    }
  },
);
