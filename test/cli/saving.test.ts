import { expect, test, vi } from 'vitest';
import type { Task } from '../../src/cli/kinds/kind.js';
import { Run } from '../../src/cli/run.js';
import { DataError } from '../../src/errors.js';
import type { Session } from '../../src/train/session.js';

const settings = { steps: 1e9, batch: 1 };
const task = { watched: { rows: 1e9 } } as Task;

/** A session that takes a millisecond for whatever it is asked to do. */
function session(): Session {
  const made = {
    at: 0,
    async *run({ steps }: { steps: number }) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      made.at += steps;
      yield { losses: Array(steps).fill(1) };
    },
  };
  return made as unknown as Session;
}

/** Trains until so many saves were tried; returns what was said on standard error. */
async function train(saves: number, save: (attempt: number) => void): Promise<string> {
  const stop = new AbortController();
  let attempts = 0;
  const run = new Run(
    session(),
    settings,
    () => 0.1,
    task,
    { train: [], dev: [] },
    async () => {
      if (++attempts === saves) stop.abort();
      save(attempts);
    },
    0.002,
  );
  const said: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  try {
    await run.train(stop.signal);
  } finally {
    write.mockRestore();
  }
  expect(attempts).toBe(saves);
  return said.filter((text) => !text.startsWith('step ')).join('');
}

test('a save that fails is told once and tried again, and training goes on', async () => {
  const said = await train(6, (attempt) => {
    if (attempt < 5) throw new DataError('cannot write "x": the disk is full');
  });
  expect(said).toBe(
    'Warning: cannot write "x": the disk is full. Training goes on; saving is tried again every 0.002 s.\nSaved again.\n',
  );
});

test('an error of the program is no failed save', async () => {
  const broken = train(1, () => {
    throw new TypeError('x is not a function');
  });
  await expect(broken).rejects.toThrow(TypeError);
});
