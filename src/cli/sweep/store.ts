import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeInFolder } from '../../data/files.js';
import { ensureFolder } from '../../data/folders.js';
import { isObject, parseJson } from '../../data/json.js';
import { MOST, readRegular } from '../../data/read.js';
import { DataError } from '../../errors.js';
import { isOutcome, type Outcome, type Trial } from './outcome.js';

const TRIALS = 'trials';
const OUTCOME = 'trial.json';
const FORMAT = '2headgrad trial';
const NAME = /^[0-9a-f]{32}$/;

/** The folder of a training: files of `train`, and what came of it. */
export const trialFolder = (folder: string, { name }: Trial): string => join(folder, TRIALS, name);

/** Throws DataError where trainings would be written through a link, over what is elsewhere. */
export async function refuseLinks(folder: string): Promise<void> {
  const all = join(folder, TRIALS);
  const names = await readdir(all).catch(() => []);
  for (const path of [all, ...names.map((name) => join(all, name))]) {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isSymbolicLink())
      throw new DataError(
        `${JSON.stringify(path)} is a symbolic link, and a sweep writes into its own folder only: remove the link, or put there what it points to`,
      );
  }
}

/** Keeps what came of a training: whole, or as it was before. */
export async function writeOutcome(folder: string, trial: Trial, outcome: Outcome): Promise<void> {
  const own = trialFolder(folder, trial);
  await ensureFolder(own);
  const { name, settings } = trial;
  const told = { format: FORMAT, version: 1, name, settings, outcome };
  await writeInFolder(own, OUTCOME, `${JSON.stringify(told, null, 2)}\n`);
}

/** What is known of the trainings of a sweep, by their names. What is damaged, or of something else, counts as missing. */
export async function readOutcomes(folder: string): Promise<Map<string, Outcome>> {
  const names = await readdir(join(folder, TRIALS)).catch(() => []);
  const found = new Map<string, Outcome>();
  for (const name of names.filter((name) => NAME.test(name)).sort()) {
    const outcome = await outcomeIn(join(folder, TRIALS, name, OUTCOME), name);
    if (outcome) found.set(name, outcome);
  }
  return found;
}

async function outcomeIn(path: string, name: string): Promise<Outcome | undefined> {
  try {
    const json = parseJson(new TextDecoder().decode(await readRegular(path, MOST.json)));
    const mine = isObject(json) && json.format === FORMAT && json.version === 1 && json.name === name;
    return mine && isOutcome(json.outcome) ? json.outcome : undefined;
  } catch {
    return undefined;
  }
}
