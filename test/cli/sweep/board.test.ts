import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { shellWord } from '../../../src/cli/shell.js';
import { type Row, ranked, tableCsv } from '../../../src/cli/sweep/board.js';
import { optionsOf, redisError, unlessGone } from '../../../src/cli/sweep/bullmq.js';
import { isOutcome, type Outcome } from '../../../src/cli/sweep/outcome.js';
import { shares } from '../../../src/cli/sweep/queue.js';
import { redisPlace, withoutPassword, withoutSecrets } from '../../../src/cli/sweep/redis-url.js';
import { averaged } from '../../../src/cli/sweep/report.js';
import { liveTable } from '../../../src/cli/sweep/show.js';
import { OptionError } from '../../../src/errors.js';
import { parallelCoordinates } from '../../../src/report/parallel.js';
import { answerTo } from './trial.js';

const about = { host: 'a', seconds: 1 };
const judge = { metric: 'loss', highest: false };
const done = (loss: number | null, accuracy = 0): Outcome => ({
  ...{ status: 'done', steps: 5, about },
  measured: { train: { loss: 0 }, dev: { loss, accuracy } },
});
const row = (order: number, outcome?: Outcome, more: Partial<Row> = {}): Row => ({
  ...{ order, configuration: { lr: order }, name: `n${order}`, round: 0 },
  ...{ state: outcome ? 'ended' : 'waiting', outcome, ...more },
});
const orders = (rows: readonly Row[]) => rows.map(({ order }) => order);

describe('the table of a sweep', () => {
  it('has the best first, later rounds before earlier ones, and what has no number last', () => {
    const rows = [
      row(0, done(2)),
      row(1),
      row(2, done(1)),
      row(3, done(null)),
      row(4, { status: 'diverged', reason: 'up', about }),
      row(5, done(3), { round: 1 }),
      row(6, done(1)),
    ];
    expect(orders(ranked(rows, judge))).toEqual([5, 2, 6, 0, 1, 3, 4]);
    expect(orders(ranked(rows.toReversed(), judge))).toEqual([5, 2, 6, 0, 1, 3, 4]);
    const best = { metric: 'accuracy', highest: true };
    expect(orders(ranked([row(0, done(1, 0.5)), row(1, done(2, 0.9))], best))).toEqual([1, 0]);
  });

  it('is text that no spreadsheet runs', () => {
    const failed: Outcome = { status: 'failed', reason: '=cmd|" /C calc"!A0, twice', about };
    const rows = [row(0, failed), row(1, { ...done(0.5, 1), model: 'ab' }), row(2)];
    expect(tableCsv(rows, { names: ['lr'], judge, rounds: 1 })).toBe(
      [
        'rank,lr,status,train_loss,dev_loss,dev_accuracy,name,model,reason',
        '1,1,done,0,0.5,1,n1,ab,',
        `2,0,failed,,,,n0,,"'=cmd|"" /C calc""!A0, twice"`,
        '',
      ].join('\n'),
    );
  });

  it('has no two columns of one name, whatever a model file calls its settings', () => {
    const configuration = { lr: 1, model: 'small', dev_loss: 3, constructor: 'x' };
    const rows = [row(0, { ...done(0.5, 1), model: 'ab' }, { configuration } as Partial<Row>)];
    expect(tableCsv(rows, { names: Object.keys(configuration), judge, rounds: 1 }).split('\n')).toEqual([
      'rank,lr,set model,set dev_loss,constructor,status,train_loss,dev_loss,dev_accuracy,name,model,reason',
      '1,1,small,3,x,done,0,0.5,1,n0,ab,',
      '',
    ]);
  });

  it.each([
    ["-2+cmd|'/C calc'!A0", "'-2+cmd|'/C calc'!A0"],
    ['\x1b]0;title\x07 <b>', '\\x1b]0;title\\x07 <b>'],
    ['two\nlines', 'two\\nlines'],
    ['-1.5e-7', '-1.5e-7'],
  ])('commands neither spreadsheet nor terminal: %j', (reason, cell) => {
    const text = tableCsv([row(0, { status: 'failed', reason, about })], { names: [], judge, rounds: 1 });
    expect(text.split('\n')[1]).toBe(`1,failed,n0,,${cell}`);
  });

  it('fits a terminal, and commands it nothing', () => {
    const rows = Array.from({ length: 50 }, (_, i) => row(i, i < 40 ? done(i / 10) : undefined));
    rows[45] = row(45, undefined, { state: 'running', place: { at: 50, of: 200, loss: '1' } });
    rows[46] = row(46, { status: 'diverged', reason: 'x', about }, { configuration: { lr: '\x1b[2J' } });
    const size = { seconds: 65, height: 12, width: 40 };
    const lines = liveTable({ rows, varied: ['lr'], judge, rounds: 1 }, size);
    expect(lines.length).toBeLessThan(12);
    expect(lines[0]).toMatch(/^40 done, 1 running, 8 waiting, 1 fai\.\.\.$/);
    expect(lines[2]).toMatch(/^1 +0 +0\.0000$/);
    expect(lines.join('\n')).toMatch(/running 25 % +45/);
    expect(lines.join('\n')).toContain('\\x1b[2J');
    for (const line of lines) expect(line.length).toBeLessThan(40);
  });
});

test('a model file that was changed since a sweep began is not trained in its name', async () => {
  const task = fileURLToPath(import.meta.url);
  expect(await answerTo({ task, options: {}, sources: 'as it was' })).toEqual({
    diverged: false,
    error: `${task}, or a file that it imports, was changed since this began: change it back, and start again with --resume`,
  });
});

describe('what comes from a queue', () => {
  it('is a result, or it is none', () => {
    expect(isOutcome({ ...done(1), curve: { train: [[1, 2]], dev: [[1, null]] } })).toBe(true);
    for (const wrong of [
      null,
      'x',
      {},
      { status: 'done' },
      { ...done(1), measured: { dev: { loss: 'low' } } },
      done(Number.NEGATIVE_INFINITY),
      { ...done(1), model: '=1+1' },
      { ...done(1), curve: { train: [[1, Number.POSITIVE_INFINITY]], dev: [] } },
      { status: 'failed', about },
      { status: 'failed', reason: 'A'.repeat(5000), about },
    ])
      expect(isOutcome(wrong)).toBe(false);
    expect(isOutcome({ ...done(1), curve: { train: [['1', 2]], dev: [] } })).toBe(false);
  });
});

describe('a machine', () => {
  test.each([
    [{}, 60, 8, { jobs: 8, threads: 1 }],
    [{}, 2, 8, { jobs: 2, threads: 4 }],
    [{ threads: 4 }, 60, 8, { jobs: 2, threads: 4 }],
    [{ jobs: 3 }, 60, 8, { jobs: 3, threads: 2 }],
    [{ threads: 16 }, 60, 8, { jobs: 1, threads: 16 }],
  ])('asked for %j by %i trainings has its %i cores shared out', (wanted, trials, cores, expected) => {
    expect(shares(wanted, trials, cores)).toEqual(expected);
  });
});

describe('a training whose sweep is gone', () => {
  it('is ended, though its model holds the thread for good', () => {
    const watch = new URL('../../../dist/cli/sweep/orphan.js', import.meta.url);
    const hangs = `new (require('node:worker_threads').Worker)(new URL('${watch}'), { workerData: { parent: 1e9, grace: 100 } }); for (;;);`;
    expect(spawnSync(process.execPath, ['-e', hangs], { timeout: 20_000 }).signal).toBe('SIGKILL');
  });
});

describe('a word of a command', () => {
  test.each([
    ['runs/a-1.txt', 'runs/a-1.txt'],
    ['$(touch x) `y`.txt', "'$(touch x) `y`.txt'"],
    ["it's", "'it'\\''s'"],
  ])('%s is that word to a shell', (word, said) => {
    expect(shellWord(word)).toBe(said);
  });
});

describe('a Redis of somebody else', () => {
  const place = redisPlace('redis://h', {});
  it('gives errors that say what to do', () => {
    const reply = Object.assign(new Error('WRONGTYPE a key script: 80ab, on @user_script:4.'), {
      name: 'ReplyError',
    });
    for (const error of [reply, new SyntaxError('no JSON')])
      expect((redisError(error, place, 'sweep-1') as Error).message).toMatch(
        /^the Redis at redis:\/\/h does not .*\((WRONGTYPE a key|no JSON)\): delete its keys 2headgrad:sweep-1:\*/,
      );
    const other = new Error('x');
    expect(redisError(other, place, 'sweep-1')).toBe(other);
  });

  it('that is gone holds up nobody who leaves', async () => {
    const gone = () => Promise.reject(new Error('Connection is closed.'));
    await unlessGone(gone(), AbortSignal.abort());
    await expect(unlessGone(gone(), new AbortController().signal)).rejects.toThrow('closed');
    const { retryStrategy } = optionsOf(place, AbortSignal.abort()).connection;
    expect([retryStrategy(1), optionsOf(place).connection.retryStrategy(1)]).toEqual([null, 200]);
  });
});

describe('the address of a Redis', () => {
  const secret = 'p%40ss/wörd';
  const place = redisPlace(`rediss://me:${encodeURIComponent(secret)}@db.example:7000/3`, {});

  it('has all that there is to it, and what is shown has no password', () => {
    expect(place).toEqual({
      ...{ host: 'db.example', port: 7000, db: 3, tls: true, username: 'me', password: secret },
      shown: 'rediss://db.example:7000/3',
    });
    expect(redisPlace('redis://[::1]', { REDIS_PASSWORD: 'x' })).toMatchObject({
      host: '::1',
      port: 6379,
      password: 'x',
    });
    expect(redisPlace(true, { REDIS_URL: 'redis://:y@h' })).toMatchObject({ host: 'h', password: 'y' });
  });

  test.each([
    'http://:secret@h',
    'redis://:secret',
    'redis://:sec ret@h:port',
    'redis://:secret@h/a/b',
    'redis://:s%zzecret@h',
  ])('%s is refused without a word of it', (url) => {
    let message = '';
    try {
      redisPlace(url, {});
    } catch (error) {
      expect(error).toBeInstanceOf(OptionError);
      message = (error as Error).message;
    }
    expect(message).toContain('--redis');
    expect(message).not.toMatch(/secret|sec ret|zzecret/);
  });

  it('keeps its password from messages and from processes of models', () => {
    expect(withoutPassword(`AUTH ${secret} failed for ${encodeURIComponent(secret)}`, place)).toBe(
      'AUTH *** failed for ***',
    );
    expect(withoutSecrets({ A: '1', REDIS_URL: 'x', REDIS_PASSWORD: 'y' })).toEqual({ A: '1' });
  });
});

describe('parallel coordinates', () => {
  const chart = {
    ...{ title: 'a & b', strong: 1, strongLabel: 'the best', otherLabel: 'the others' },
    axes: [
      { label: 'lr', values: [0.01, 1, 0.1], log: true },
      { label: 'norm', values: ['none', 'layer <b>', 'none'] },
      { label: 'loss', values: [1, 2, 3] },
    ],
  };

  it('have a line for each configuration, and ticks that say what is where', () => {
    const svg = parallelCoordinates(chart);
    expect(svg).not.toMatch(/NaN|Infinity|<b>/);
    for (const text of ['lr', 'norm', 'loss', '0.01', 'layer &lt;b&gt;', 'the best', 'a &amp; b'])
      expect(svg).toContain(text);
    const strong = /<g [^>]*stroke="#1d5fa8"[^>]*>(.*?)<\/g>/s.exec(svg)![1];
    expect(strong.match(/<path/g)).toHaveLength(1);
    // Equal factors are equal distances.
    const y = (tick: string) => Number(new RegExp(`,([\\d.]+)\\)"[^>]*>${tick}<`).exec(svg)![1]);
    expect(y('0.01') - y('0.1')).toBeCloseTo(y('0.1') - y('1'), 3);
  });

  it('stand where all values are one, and need as many on each axis', () => {
    const flat = { ...chart, axes: chart.axes.map(({ label }) => ({ label, values: [2, 2] })) };
    expect(parallelCoordinates(flat)).not.toMatch(/NaN/);
    expect(() =>
      parallelCoordinates({ ...chart, axes: [chart.axes[0], { label: 'x', values: [1] }] }),
    ).toThrow(OptionError);
  });
});

it('curves of single batches are averaged, so that they do not hide each other, and those of few points are not', () => {
  const noisy = (n: number) => Array.from({ length: n }, (_, x) => ({ x, y: 2 + (-1) ** x }));
  const spread = (points: readonly { y: number }[]) =>
    Math.max(...points.map(({ y }) => y)) - Math.min(...points.map(({ y }) => y));
  const [many, few] = [averaged(noisy(400)), averaged(noisy(15))];
  expect(many.map(({ x }) => x)).toEqual(noisy(400).map(({ x }) => x));
  expect(spread(many.slice(100))).toBeLessThan(0.2);
  expect(few).toEqual(noisy(15));
});
