import { quoted } from '../data/json.js';
import type { Peers } from '../distributed/index.js';
import { DataError, OptionError } from '../errors.js';
import { sharedValue } from './distributed.js';
import { CONFIG, holdsRun, readJson } from './folder.js';
import { usualFolder } from './kinds/file.js';
import { kindNamed } from './kinds/index.js';
import {
  type GivenSettings,
  isSameValue,
  optionSettings,
  type SettingValues,
  settingValuesFrom,
} from './own-settings.js';

// A run has the settings of its model file for good. They are read before the file is run, which asks for them.

export interface WantedSettings {
  /** What the command line says. */
  readonly set?: SettingValues;
  /** The folder of the run, where the user names it. */
  readonly folder?: string;
  readonly exported?: string;
}

/** The values for a model file whose run is gone on with, or used: its own. Throws OptionError where others are given. */
export async function settingsOfRun(
  what: string,
  { set, folder, exported }: WantedSettings,
  peers: Peers | null = null,
): Promise<GivenSettings> {
  const asked = optionSettings(set);
  if (kindNamed(what)) return asked;
  const { place, kept } = await sharedValue(peers, async () => {
    const place = folder ?? (await likelyFolder(what, exported));
    return { place, kept: await keptIn(place) };
  });
  const given = new Map(asked);
  for (const [name, value] of Object.entries(kept)) {
    const other = asked.get(name);
    if (other && !isSameValue(value, other.value))
      throw new OptionError(
        `${other.told}: the run in ${place} has ${name}=${value}; leave the option out, or train into another folder`,
      );
    const said = typeof value === 'string' ? quoted(value) : value;
    given.set(name, { value, told: `${name}=${said}, as the run in ${place} has it`, isOption: false });
  }
  return given;
}

/** Throws OptionError for settings of a file that nobody has named. */
export function refuseWithoutFile(model: string | undefined, set: SettingValues | undefined): void {
  const [first] = optionSettings(set).values();
  if (model === undefined && first)
    throw new OptionError(
      `${first.told}: that is for a model file: name it by --model, or leave the option out`,
    );
}

/** Whether a file has one step alone, which has no name in the folder, is known when it has run. */
async function likelyFolder(path: string, exported: string | undefined): Promise<string> {
  const one = usualFolder(path);
  const named = usualFolder(path, exported);
  return exported !== undefined && (await holdsRun(named)) ? named : one;
}

/** What cannot be read is told later, by whoever needs all of it. */
async function keptIn(folder: string): Promise<SettingValues> {
  const json = await readJson(folder, CONFIG).catch((error: unknown) => {
    if (error instanceof DataError) return {};
    throw error;
  });
  return settingValuesFrom((json as { set?: unknown }).set) ?? {};
}
