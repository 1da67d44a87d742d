import { extname } from 'node:path';
import { OptionError } from '../../errors.js';
import { chooseStep, EXTENSIONS, loadModel } from '../model.js';
import type { GivenSettings } from '../own-settings.js';
import { flagOf, type SettingName } from '../settings.js';
import { modelFile } from './file.js';
import type { Choices, Kind } from './kind.js';
import { names } from './names.js';
import { text } from './text.js';
import { words } from './words.js';

export { MODEL_FILE } from './file.js';

/** What can be trained, by name. */
export const KINDS: readonly Kind[] = [names, text, words];

/** What a user names: one of KINDS, or a model file. `exported`: which of its steps; `given`: values for its settings. */
export async function kindOf(
  what: string,
  exported: string | undefined,
  given: GivenSettings = new Map(),
): Promise<Kind> {
  const kind = kindNamed(what);
  if (kind) refuseOwn(kind, given);
  if (kind && exported !== undefined)
    throw new OptionError(`--export is for model files; ${kind.name} has one step`);
  if (kind) return kind;
  if (extname(what) === '' && !/[/\\]/.test(what))
    throw new OptionError(
      `there is no task ${JSON.stringify(what)}: give ${KINDS.map(({ name }) => name).join(', ')} or a model file (${EXTENSIONS.join(', ')})`,
    );
  const file = await loadModel(what, given);
  return modelFile(file, chooseStep(file, exported)) as unknown as Kind;
}

/** Throws OptionError where settings of a model file are given to a kind that is none. */
export function refuseOwn({ name, initial }: Choices, given: GivenSettings): void {
  const [first] = given.values();
  if (!first) return;
  const flags = (Object.keys(initial) as SettingName[]).map(flagOf).join(', ');
  throw new OptionError(
    `${first.told}: that is for what a model file asks for; ${name} has options: ${flags}`,
  );
}

export const kindNamed = (name: string): Kind | undefined => KINDS.find((kind) => kind.name === name);

/** KINDS and a kind that is none of them, whose options a command may have been given. */
export const kindsWith = (kind: Choices): readonly Choices[] => [...new Set([...KINDS, kind])];
