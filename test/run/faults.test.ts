import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { expect, it, vi } from 'vitest';
import { WorkerError } from '../../src/index.js';
import { TSX } from '../processes/tsx.js';
import { type Fault, start } from './faults.js';

// Threads that die, hang or never come. On a machine that has nothing else to do each of these takes a second, or ten
// where only the lack of an answer tells.

/** Threads that are still there. */
const alive = (workers: readonly Worker[]) => workers.filter(({ threadId }) => threadId !== -1);

async function ended(workers: readonly Worker[]): Promise<void> {
  await vi.waitFor(() => expect(alive(workers)).toEqual([]), { timeout: 20_000 });
}

it.concurrent.each<[Fault | 'has no script', RegExp]>([
  ['exits', /a thread did not start: it ended with code 3/],
  ['throws', /a thread did not start: no luck/],
  ['does not parse', /a thread did not start: /],
  ['has no script', /a thread did not start: Cannot find module/],
  ['never answers', /a thread did not start: it has not answered for 20 s/],
  ['never yields', /a thread did not start: it has not answered for 20 s/],
])('a thread that %s fails the start, and the other threads end', async (fault, message) => {
  const workers: Worker[] = [];
  const made = start(fault === 'has no script' ? new URL('./gone.js', import.meta.url) : fault, workers);
  await expect(made).rejects.toThrow(message);
  await expect(made).rejects.toThrow(WorkerError);
  await ended(workers);
});

it('a thread that cannot even be made fails the start as well', async () => {
  const { Team } = await import('../../src/run/team.js');
  const stopped: number[] = [];
  const team = new Team(() => false);
  const made = team.start(3, (index) => {
    if (index === 3) throw new Error('no more threads');
    return { ready: new Promise(() => {}), ended: async () => {}, stop: () => stopped.push(index) };
  });
  await expect(made).rejects.toThrow(new WorkerError('a thread did not start: no more threads'));
  expect(stopped).toEqual([1, 2]);
});

const DEAD = /^a thread of this session has died: .*; the session can do nothing more: start another session/;

it('a thread that was ended between two steps is told at the next, and at every call from then on', async () => {
  const { session, workers } = await start();
  session.step({ lr: 0.01 });
  await workers[1].terminate();
  expect(() => session.step({ lr: 0.01 })).toThrow(WorkerError);
  expect(() => session.step({ lr: 0.01 })).toThrow(DEAD);
  expect(() => session.evaluate({ x: [1, 2], y: [3] })).toThrow(DEAD);
  expect(() => session.read('weight')).toThrow(DEAD);
  await session.close();
  await ended(workers);
});

it('a thread that ends while a step waits for it ends the step', async () => {
  const { session, workers } = await start();
  session.step({ lr: 0.01 });
  // Not waited for: this thread hears of it only by looking.
  workers[1].terminate();
  expect(() => session.step({ lr: 0.01 })).toThrow(DEAD);
  await session.close();
  await ended(workers);
});

it.each<[Fault, RegExp]>([
  ['exits once it is ready', DEAD],
  ['throws once it is ready', DEAD],
  ['does nothing once it is ready', /^a thread does not answer for 1\d s; the session can do nothing more/],
])('a thread that %s ends the step, too, and closing works', async (fault, message) => {
  const { session, workers } = await start(fault);
  const began = performance.now();
  expect(() => session.step({ lr: 0.01 })).toThrow(message);
  expect(performance.now() - began).toBeLessThan(20_000);
  await session.close();
  await session.close();
  await ended(workers);
});

it('a checkpoint on disk stays as it was: what a broken session holds is not written', async () => {
  const folder = await mkdtemp(join(tmpdir(), '2headgrad-faults-'));
  const file = join(folder, 'model.safetensors');
  const { session, workers } = await start();
  await session.save(file);
  const saved = await readFile(file);
  workers[1].terminate();
  const run = async () => {
    for await (const _ of session.run({ steps: 100, lr: 0.01 }));
  };
  await expect(run()).rejects.toThrow(DEAD);
  await expect(session.save(file)).rejects.toThrow(WorkerError);
  expect(await readFile(file)).toEqual(saved);
  await session.close();
  await rm(folder, { recursive: true });
});

it('a session closes in time even if a thread does not end when it is told to', async () => {
  const { session, workers } = await start('does nothing once it is ready');
  await session.close();
  await ended(workers);
});

it('a process in which threads failed ends by itself, with its own code', async () => {
  const script = fileURLToPath(new URL('./faulty-process.ts', import.meta.url));
  const child = spawn(process.execPath, [...TSX, script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const [code] = await once(child, 'close');
  expect({ code, out, err }).toEqual({
    code: 0,
    out: ['start: WorkerError', 'step: WorkerError', 'closed', ''].join('\n'),
    err: '',
  });
});
