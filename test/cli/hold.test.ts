import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { lastJson, quickly, run, SMALL, start, training, workspace } from './command.js';

const { path, list } = workspace();
const quick = quickly();
const args = (out: string, ...more: string[]) => [
  ...['train', 'names', ...SMALL, '--data', path('words.txt'), '--out', path(out), ...more],
];
const long = (out: string, ...more: string[]) => start(args(out, '--steps', '10000000', ...more));
const FILES = ['config.json', 'losses.json', 'model.safetensors'];

test('a second training, a resumed one and a search in a folder that is trained in say who holds it', async () => {
  const first = long('held');
  await training(first);
  const refused = await Promise.all([
    run(...args('held', '--steps', '1')),
    run('train', 'names', '--resume', '--out', path('held')),
    run('lr-find', 'names', ...SMALL, '--data', path('words.txt'), '--out', path('held')),
  ]);
  for (const { code, stderr } of refused) {
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        new RegExp(
          `^2headgrad: the folder ".*held" is in use by process ${first.child.pid} since 20.*: wait .*\n$`,
        ),
      ),
    ]);
  }
  // A terminal that is closed.
  first.child.kill('SIGHUP');
  const { code, stdout } = await first.ended;
  expect([code, stdout]).toEqual([129, expect.stringContaining('saved. Go on with')]);
  expect(await list('held')).toEqual(FILES);
});

test('a killed training leaves a lock that the next takes over, and drafts that it takes away', async () => {
  const killed = long('killed');
  await training(killed);
  const [lock] = await list('killed');
  expect(lock).toBe('.2headgrad-lock');
  const { owner } = JSON.parse(await readFile(path('killed', lock), 'utf8'));
  killed.child.kill('SIGKILL');
  await killed.ended;
  const draft = `.2headgrad-${owner}-1.tmp`;
  await writeFile(path('killed', draft), 'half');
  expect(await list('killed')).toEqual([draft, '.2headgrad-lock'].sort());
  expect((await quick(...args('killed', '--steps', '1'))).code).toBe(0);
  expect(await list('killed')).toEqual([...FILES, 'loss.svg', 'report.html'].sort());
});

test.each([
  ['is no lock', 'what is this'],
  ['is of a process that is gone', ''],
])('a lock that %s is taken over', async (what, text) => {
  const out = what.replaceAll(' ', '-');
  const first = long(out);
  await training(first);
  const written = JSON.parse(await readFile(path(out, '.2headgrad-lock'), 'utf8'));
  first.child.kill('SIGKILL');
  await first.ended;
  // The number is given out again: here to this very process, which began at another time.
  const owner = written.owner.replace(/-\d+-/, `-${process.pid}-`);
  if (process.platform === 'linux' || text)
    await writeFile(path(out, '.2headgrad-lock'), text || JSON.stringify({ ...written, owner }));
  expect((await quick(...args(out, '--steps', '0'))).code).toBe(0);
});

test('an interrupted run that a machine reads ends with one object', async () => {
  const train = long('train', '--json');
  const find = start(
    ['lr-find', 'names', ...SMALL, '--data', path('words.txt'), '--steps', '1000000', '--json'].concat(
      ...['--out', path('find')],
    ),
  );
  const said = (child: typeof train.child, what: string) =>
    new Promise<void>((resolve) => {
      let seen = '';
      child.stderr!.on('data', (text) => {
        seen += text;
        if (seen.includes(what)) resolve();
      });
    });
  await Promise.all([said(train.child, 'learning rate'), said(find.child, 'rate')]);
  // Some steps, of which a machine is told nothing on the way.
  await setTimeout(1000);
  train.child.kill('SIGINT');
  find.child.kill('SIGINT');
  const [trained, found] = await Promise.all([train.ended, find.ended]);
  expect([trained.code, found.code]).toEqual([130, 130]);
  expect(lastJson(trained)).toMatchObject({
    task: 'names',
    interrupted: 'SIGINT',
    saved: true,
    of: 10_000_000,
  });
  expect(lastJson(trained).steps).toBeGreaterThan(0);
  expect(lastJson(found)).toEqual({ task: 'names', interrupted: 'SIGINT', saved: false, out: path('find') });
});

test('a signal while the model is compiled ends the process soon, with one object and nothing written', async () => {
  const compiling = start(
    ['train', 'names', '--data', path('words.txt'), '--batch', '8', '--out', path('soon'), '--json'],
    { XDG_CACHE_HOME: path('cache') },
  );
  let sent = 0;
  compiling.child.stderr!.on('data', (text) => {
    if (sent || !String(text).includes('rows')) return;
    sent = 1;
    // By now asc is at work.
    globalThis.setTimeout(() => {
      sent = performance.now();
      compiling.child.kill('SIGINT');
    }, 700);
  });
  const ended = await compiling.ended;
  expect(performance.now() - sent).toBeLessThan(2000);
  expect([ended.code, lastJson(ended)]).toEqual([
    130,
    { task: 'names', interrupted: 'SIGINT', saved: false, out: path('soon') },
  ]);
  expect(await list()).not.toContain('soon');
});

test('Ctrl-C ends a command soon that traces a model of a thousand layers', async () => {
  const deep = start([
    ...['train', 'text', '--data', path('words.txt'), '--layers', '1000', '--heads', '1', '--dim', '4'],
    ...['--context', '4', '--batch', '2', '--out', path('deep'), '--json'],
  ]);
  while (!(await list('deep').catch((): string[] => [])).includes('.2headgrad-lock')) await setTimeout(50);
  await setTimeout(1000);
  const sent = performance.now();
  deep.child.kill('SIGINT');
  const ended = await deep.ended;
  expect(performance.now() - sent).toBeLessThan(2000);
  expect([ended.code, lastJson(ended)]).toEqual([
    130,
    { task: 'text', interrupted: 'SIGINT', saved: false, out: path('deep') },
  ]);
  expect(await list()).not.toContain('deep');
});

test.skipIf(process.platform === 'win32')(
  'a signal ends a command that waits for a pipe in which nobody writes',
  async () => {
    const pipe = path('pipe');
    await promisify(execFile)('mkfifo', [pipe]);
    const waiting = start(['train', 'names', ...SMALL, '--data', pipe, '--out', path('waits'), '--json']);
    const exit = once(waiting.child, 'exit');
    while (!(await list('waits').catch((): string[] => [])).includes('.2headgrad-lock'))
      await setTimeout(100);
    await setTimeout(500);
    waiting.child.kill('SIGINT');
    expect(await exit).toEqual([null, 'SIGINT']);
    const ended = await waiting.ended;
    expect(lastJson(ended)).toEqual({
      task: 'names',
      interrupted: 'SIGINT',
      saved: false,
      out: path('waits'),
    });
  },
);
