import { afterEach, describe, expect, expectTypeOf, it, test } from 'vitest';
import {
  isSameValue,
  optionSettings,
  SettingsTable,
  type SettingValues,
  setFlags,
  valuesOf,
} from '../src/cli/own-settings.js';
import { DataError, OptionError } from '../src/errors.js';
import { setting } from '../src/index.js';
import { SETTINGS_OF_FILE } from '../src/setting.js';

afterEach(() => {
  delete (globalThis as { [SETTINGS_OF_FILE]?: unknown })[SETTINGS_OF_FILE];
});

/** What a model file asks for while it runs with values of the command line. */
function ask<T>(set: SettingValues, file: () => T) {
  const table = new SettingsTable('model.ts', optionSettings(set));
  table.open();
  const values = file();
  return { values, settings: table.complete() };
}

/** The class and message of what is thrown. */
function thrown(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return error instanceof OptionError || error instanceof DataError
      ? `${error.name}: ${error.message.replace(/ \(setting\.test\.ts:\d+\)/g, '')}`
      : String(error);
  }
  return 'nothing';
}

describe('where nobody gives values', () => {
  it('a setting is its default, and two files may have others under the same name', () => {
    expect([
      setting('hidden', 64),
      setting('hidden', 32),
      setting('norm', true),
      setting('name', ''),
    ]).toEqual([64, 32, true, '']);
  });

  const any = (...args: unknown[]) => (setting as (...args: unknown[]) => unknown)(...args);
  test.each<[string, () => unknown]>([
    [
      'expected a name of letters, digits, ".", "_" and "-" that begins with a letter, got "a b"',
      () => any('a b', 1),
    ],
    [
      'expected a name of letters, digits, ".", "_" and "-" that begins with a letter, got "__proto__"',
      () => any('__proto__', 1),
    ],
    [
      'expected a name of letters, digits, ".", "_" and "-" that begins with a letter, got undefined',
      () => any(),
    ],
    ['setting a: the default must be a number, a text, or true or false, got null', () => any('a', null)],
    ['setting a: the default is NaN: expected a number', () => any('a', Number.NaN)],
    ['setting a: the default is 0.5: expected a whole number', () => any('a', 0.5, { integer: true })],
    ['setting a: the default is 9: expected a number from 1 to 8', () => any('a', 9, { min: 1, max: 8 })],
    [
      'setting a: the default is "gelu": expected one of relu, tanh',
      () => any('a', 'gelu', { choices: ['relu', 'tanh'] }),
    ],
    [
      'setting a: there is no option low; there are min, max, integer, choices',
      () => any('a', 1, { low: 0 }),
    ],
    ['setting a: there is no option min', () => any('a', true, { min: 0 })],
    ['setting a: min must be a finite number, got "0"', () => any('a', 1, { min: '0' })],
    ['setting a: choices must be a list of values, got an empty array', () => any('a', 1, { choices: [] })],
    [
      'setting a: choices say all that it may be: leave out the other limits',
      () => any('a', 1, { choices: [1], min: 0 }),
    ],
    [
      'setting a: choices[1] is "2": expected a finite number, as the default is',
      () => any('a', 1, { choices: [1, '2'] }),
    ],
    [
      'setting a: choices[1] is Infinity: expected a finite number, as the default is',
      () => any('a', 1, { choices: [1, Number.POSITIVE_INFINITY] }),
    ],
    [
      'setting a: choices[0] is undefined: expected a text, as the default is',
      () => any('a', 'b', { choices: [undefined, 'b'] }),
    ],
  ])('%s', (message, f) => {
    expect(thrown(f)).toContain(
      `OptionError: ${message.startsWith('expected') ? 'setting: ' : ''}${message}`,
    );
  });
});

describe('the command line', () => {
  it('gives values, each as its default is, and learns all settings', () => {
    const set = { hidden: '1e2', act: 'relu', tie: 'false', heads: 8 };
    const { values, settings } = ask(set, () => [
      setting('hidden', 64, { min: 1, integer: true }),
      setting('act', 'tanh', { choices: ['relu', 'tanh'] }),
      setting('tie', true),
      setting('heads', 4, { choices: [1, 2, 4, 8] }),
      setting('rate', 0.5),
      // The same limits, said otherwise.
      setting('hidden', 64, { integer: true, max: undefined, min: 1 }),
    ]);
    expect(values).toEqual([100, 'relu', false, 8, 0.5, 100]);
    expect(valuesOf(settings)).toEqual({ hidden: 100, act: 'relu', tie: false, heads: 8, rate: 0.5 });
    expect(settings.get('hidden')!.where).toMatch(/^setting\.test\.ts:\d+$/);
    expect(setFlags(settings, { hidden: 64, act: 'it is', heads: 8 }, { changed: true })).toEqual([
      "--set 'act=it is'",
      '--set heads=8',
    ]);
    expect([isSameValue(100, '1e2'), isSameValue(100, '101'), isSameValue(true, 'true')]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('has no -0, which config.json would not keep', () => {
    const { values } = ask({ a: '-0' }, () => [setting('a', 1), setting('b', -0)]);
    expect(values).toEqual([0, 0]);
  });

  const hidden = () => setting('hidden', 64, { min: 1, max: 512, integer: true });
  const cases: [string, SettingValues, () => unknown][] = [
    ['OptionError: --set hidden=0: expected a whole number from 1 to 512', { hidden: '0' }, hidden],
    ['OptionError: --set hidden=0x10: expected a whole number from 1 to 512', { hidden: '0x10' }, hidden],
    ['OptionError: --set tie=yes: expected true or false', { tie: 'yes' }, () => setting('tie', true)],
    [
      'OptionError: --set hiden=1: model.ts has no setting hiden: did you mean hidden? It has hidden',
      { hiden: '1' },
      hidden,
    ],
    [
      'OptionError: --set x=1: model.ts has no setting x. It has hidden, tie',
      { x: '1' },
      () => [hidden(), setting('tie', true)],
    ],
    [
      "OptionError: --set x=1: model.ts asks for no settings; one is asked for by: const x = setting('x', DEFAULT)",
      { x: '1' },
      () => {},
    ],
    [
      'DataError: the setting a is asked for with two defaults, 1 and 2: ask for it once, and pass on what you get',
      {},
      () => [setting('a', 1), setting('a', 2)],
    ],
    [
      'DataError: the setting a is asked for with two limits, {} and {"min":1}: ask for it once, and pass on what you get',
      {},
      () => [setting('a', 1), setting('a', 1, { min: 1 })],
    ],
  ];
  test.each(cases)('%s', (message, set, file) => {
    expect(thrown(() => ask(set, file))).toBe(message);
    // A file that goes on all the same is told, too.
    const caught = () => {
      try {
        file();
      } catch {}
    };
    expect(thrown(() => ask(set, caught))).toBe(message);
  });

  it('refuses a setting that a file asks for when it has run, and gives what it has asked for before', () => {
    ask({ hidden: '8' }, hidden);
    expect(hidden()).toBe(8);
    expect(thrown(() => setting('rows', 5))).toBe(
      'DataError: the setting rows is asked for when the file has run, so that nobody knows of it before: ask for it at the top of the file',
    );
  });
});

it('has the type of its default, or of its choices', () => {
  expectTypeOf(setting('hidden', 64)).toEqualTypeOf<number>();
  expectTypeOf(setting('hidden', 64, { min: 1, integer: true })).toEqualTypeOf<number>();
  expectTypeOf(setting('tie', true)).toEqualTypeOf<boolean>();
  expectTypeOf(setting('name', 'a')).toEqualTypeOf<string>();
  expectTypeOf(setting('act', 'relu', { choices: ['relu', 'tanh'] })).toEqualTypeOf<'relu' | 'tanh'>();
  expectTypeOf(setting('act', 'relu', { choices: ['relu', 'tanh'] as const })).toEqualTypeOf<
    'relu' | 'tanh'
  >();
  expectTypeOf(setting('heads', 4, { choices: [1, 2, 4] })).toEqualTypeOf<1 | 2 | 4>();
  const never = (_: () => unknown) => {};
  // @ts-expect-error a default that is none of the choices
  never(() => setting('act', 'gelu', { choices: ['relu', 'tanh'] }));
  // @ts-expect-error limits of a number
  never(() => setting('tie', true, { min: 0 }));
  // @ts-expect-error a limit that does not exist
  never(() => setting('hidden', 64, { least: 1 }));
  // @ts-expect-error nothing to begin with
  never(() => setting('hidden', null));
});
