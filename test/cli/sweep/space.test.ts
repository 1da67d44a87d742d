import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { MODEL_FILE } from '../../../src/cli/kinds/file.js';
import { names } from '../../../src/cli/kinds/names.js';
import { type OwnSetting, optionSettings } from '../../../src/cli/own-settings.js';
import { grid, random } from '../../../src/cli/sweep/draw.js';
import { halvingRounds } from '../../../src/cli/sweep/halving.js';
import { sourcesDigest } from '../../../src/cli/sweep/sources.js';
import { apart, configurationFrom, spaceFrom, variedIn, withFixed } from '../../../src/cli/sweep/space.js';
import { DataError, OptionError } from '../../../src/errors.js';

const space = (json: unknown) => spaceFrom(json, names, 'space.json');

describe('a space', () => {
  it('has constants, lists and ranges', () => {
    const made = space({
      lr: { min: 0.01, max: 1, log: true },
      hidden: [50, 100],
      embed: { min: 2, max: 30 },
      direct: [true, false],
      lrDecayAt: null,
      steps: 2000,
    });
    expect(variedIn(made)).toEqual(['lr', 'hidden', 'embed', 'direct']);
    expect(made.get('steps')).toEqual({ values: [2000] });
    expect(made.get('lrDecayAt')).toEqual({ values: [null] });
    expect(made.get('lr')).toEqual({ range: { min: 0.01, max: 1, log: true, integer: false } });
    // Since there is no half of a feature.
    expect(made.get('embed')).toEqual({ range: { min: 2, max: 30, log: false, integer: true } });
  });

  test.each([
    [[], 'space.json: expected an object with what each setting may be, got []'],
    [{}, 'space.json names no setting: give at least one, such as "lr": [0.1, 0.01]'],
    [{ hiden: [1] }, 'space.json: names has no setting hiden: did you mean hidden?'],
    [{ lr: [] }, 'space.json: lr is an empty list: give at least one value'],
    [{ lr: [0.1, 0.1] }, 'space.json: lr has 0.1 twice'],
    [{ lr: [0.1, 'fast'] }, 'space.json: lr[1] is "fast": expected a number from 0'],
    [{ hidden: 2.5 }, 'space.json: hidden is 2.5: expected a whole number from 0 to 1000000'],
    [{ norm: ['group'] }, 'space.json: norm[0] is "group": expected one of none, batch, layer'],
    [{ lr: { min: 1 } }, 'space.json: lr: max is undefined: expected a number'],
    [{ lr: { min: 1, max: 0.1 } }, 'space.json: lr: min, 1, is above max, 0.1'],
    [
      { lr: { min: 1, max: 1 } },
      'space.json: lr: min and max are both 1: give the number itself, without a range',
    ],
    [
      { lr: { min: 0, max: 1, log: true } },
      'space.json: lr: min is 0: with log it must be above 0, which has no logarithm',
    ],
    [{ lr: { min: -1, max: 1 } }, 'space.json: lr: min is -1: expected a number from 0'],
    [{ lr: { min: 0.1, max: 1, log: 'yes' } }, 'space.json: lr: log is "yes": expected true or false'],
    [{ lr: { min: 0.1, max: 1, logg: true } }, 'space.json: lr: a range has no logg: did you mean log?'],
    [
      { lr: { min: 0.1, max: 1, integer: true } },
      'space.json: lr: min and max are 0.1 and 1: with integer they must be whole numbers',
    ],
    [
      { lr: { min: 0.1, max: 1, count: 1 } },
      'space.json: lr: count is 1: expected a whole number from 2 to 10000',
    ],
    [
      { norm: { min: 1, max: 2 } },
      'space.json: norm is no number, so it has no range: give a list of values',
    ],
    [{ threads: [1, 2] }, 'space.json: threads changes no result, only the speed: give one value for it'],
  ])('%j is refused by name', (json, message) => {
    expect(() => space(json)).toThrow(new DataError(message));
  });

  it('of the example is one', () => {
    const text = readFileSync(new URL('../../../examples/names/space.json', import.meta.url), 'utf8');
    expect(variedIn(space(JSON.parse(text)))).toEqual(['lr', 'hidden', 'embed', 'norm']);
  });

  it('gives a worker the settings of one training and nothing else', () => {
    const from = (json: unknown) => configurationFrom(json, names, 'a training');
    expect(from({ lr: 0.1, hidden: 8 })).toEqual({ lr: 0.1, hidden: 8 });
    expect(() => from({ lr: 0.1, out: '/etc' })).toThrow('a training: names has no setting out');
    expect(() => from({ lr: [0.1, 1] })).toThrow('a training: lr has several values');
  });
});

describe('a space of a model file', () => {
  const asked = (initial: OwnSetting['initial'], limits: OwnSetting['limits'] = {}) => ({
    ...{ initial, limits, value: initial, where: '' },
  });
  const own = new Map<string, OwnSetting>([
    ['hidden', asked(64, { min: 1, integer: true })],
    ['act', asked('relu', { choices: ['relu', 'tanh'] })],
    ['heads', asked(4, { choices: [2, 4] })],
    ['tie', asked(false)],
  ]);
  const kind = { ...MODEL_FILE, name: 'model.ts', own };
  const fixed = (json: Record<string, unknown>, set: Record<string, string>) =>
    withFixed(json, optionSettings(set), kind);

  it('has its options, and the settings that it asks for', () => {
    const json = {
      lr: 0.1,
      hidden: { min: 2, max: 64 },
      act: ['relu', 'tanh'],
      heads: 2,
      tie: [true, false],
    };
    const made = spaceFrom(json, kind, 'space.json');
    expect(made.get('hidden')).toEqual({ range: { min: 2, max: 64, log: false, integer: true } });
    expect(variedIn(made)).toEqual(['hidden', 'act', 'tie']);
    expect(apart(kind, { lr: 0.1, hidden: 8, tie: true })).toEqual({
      settings: { lr: 0.1 },
      set: { hidden: 8, tie: true },
    });
    expect(fixed(json, { heads: '2' })).toEqual(json);
    expect(fixed({ lr: 1 }, { hidden: '1e2', tie: 'true' })).toEqual({ lr: 1, hidden: 100, tie: true });
  });

  test.each<[unknown, string]>([
    [
      { hiden: 1 },
      'space.json: model.ts has no setting hiden: did you mean hidden? Its options are steps, lr, schedule, warmup, every, seed, shards, threads, engine; it asks for hidden, act, heads, tie',
    ],
    [{ hidden: [8, 0.5] }, 'space.json: hidden[1] is 0.5: expected a whole number from 1'],
    [{ hidden: '8' }, 'space.json: hidden is "8": expected a whole number from 1'],
    [{ hidden: { min: 0, max: 9 } }, 'space.json: hidden: min is 0: expected a whole number from 1'],
    [{ act: null }, 'space.json: act is null: expected one of relu, tanh'],
    [{ tie: { min: 0, max: 1 } }, 'space.json: tie is no number, so it has no range: give a list of values'],
    [
      { heads: { min: 2, max: 4 } },
      'space.json: heads is one of some values, so it has no range: give a list of them',
    ],
  ])('%j is refused by name', (json, message) => {
    expect(() => spaceFrom(json, kind, 'space.json')).toThrow(new DataError(message));
  });

  test.each<[Record<string, string>, string]>([
    [{ hidden: '9' }, '--set hidden=9: the space says what hidden may be: leave one of them out'],
    [{ tie: '1' }, '--set tie=1: expected true or false'],
    [{ lr: '1' }, '--set lr=1: model.ts has no setting lr. It has hidden, act, heads, tie'],
  ])('%j beside it is refused', (set, message) => {
    expect(() => fixed({ hidden: [8, 9] }, set)).toThrow(new OptionError(message));
  });

  it('is one of the text of its file, and of what that imports', async () => {
    const digestOf = async (main: string, part: string) => {
      const folder = mkdtempSync(join(tmpdir(), '2headgrad-sources-'));
      writeFileSync(join(folder, 'model.ts'), main);
      writeFileSync(join(folder, 'part.ts'), part);
      return sourcesDigest(join(folder, 'model.ts')).finally(() => rmSync(folder, { recursive: true }));
    };
    const main = "import { part } from './part.js';\nimport './none.js';\nexport const a = part;\n";
    const once = await digestOf(main, "export * from './model';\n");
    expect(await digestOf(main.replaceAll('\n', '\r\n'), "export * from './model';\n")).toBe(once);
    expect(await digestOf(main, 'export const part = 2;\n')).not.toBe(once);
    expect(await digestOf(`${main}//\n`, "export * from './model';\n")).not.toBe(once);
    // Which file it is may be said by a setting.
    for (const named of [`import(\`./\${kind}.ts\`)`, "import('./' + kind)", "require('./part.ts')"]) {
      const begun = await digestOf(named, '1');
      expect(await digestOf(named, '2'), named).not.toBe(begun);
    }
  });
});

describe('a grid', () => {
  it('has all combinations', () => {
    const made = grid(space({ lr: [0.1, 1], hidden: { min: 10, max: 1000, log: true, count: 3 }, steps: 5 }));
    expect(made).toEqual(
      [0.1, 1].flatMap((lr) => [10, 100, 1000].map((hidden) => ({ lr, hidden, steps: 5 }))),
    );
  });

  it('wants points of a range, and has an end', () => {
    expect(() => grid(space({ lr: { min: 0.1, max: 1 } }))).toThrow(
      new OptionError(
        'lr is a range: a grid needs a list, or "count", how many points of it; or take --strategy random',
      ),
    );
    const range = { min: 1, max: 1000, count: 500 };
    expect(() => grid(space({ lr: range, hidden: range }))).toThrow(/the grid has 250,000 configurations/);
  });
});

describe('random configurations', () => {
  const wide = { lr: { min: 1e-4, max: 1, log: true }, hidden: { min: 1, max: 4 }, norm: ['none', 'layer'] };

  it('are those of their seed, however many, and whatever else is drawn', () => {
    const made = random(space(wide), 40, 7);
    expect(made).toHaveLength(40);
    expect(random(space(wide), 10, 7)).toEqual(made.slice(0, 10));
    expect(random(space(wide), 40, 8)).not.toEqual(made);
    const more = random(space({ ...wide, embed: { min: 1, max: 100 } }), 40, 7);
    expect(more.map(({ embed: _, ...rest }) => rest)).toEqual(made);
    // Written down, so that a sweep that is gone on with next year has the same ones.
    expect(made.slice(0, 2)).toEqual([
      { lr: 0.0001981, hidden: 2, norm: 'layer' },
      { lr: 0.336, hidden: 1, norm: 'none' },
    ]);
  });

  it('spread over their ranges, both ends of whole numbers included', () => {
    const made = random(space(wide), 400, 1);
    const below = made.filter(({ lr }) => Number(lr) < 1e-2).length;
    expect(below / made.length).toBeGreaterThan(0.4);
    expect(below / made.length).toBeLessThan(0.6);
    for (const n of [1, 2, 3, 4])
      expect(made.filter(({ hidden }) => hidden === n).length).toBeGreaterThan(60);
    for (const { lr } of made) expect(String(Number(lr).toPrecision(4))).toBe(Number(lr).toPrecision(4));
    for (const { lr } of made) expect(Number(lr) >= 1e-4 && Number(lr) <= 1).toBe(true);
  });

  it('are all different, and no more than there are', () => {
    const made = random(space({ hidden: [1, 2], direct: [true, false] }), 20, 3);
    expect(made).toHaveLength(4);
    expect(new Set(made.map((one) => JSON.stringify(one))).size).toBe(4);
  });
});

describe('successive halving', () => {
  it('gives fewer configurations more steps, as many in each round', () => {
    expect(halvingRounds(27, 8100, 3)).toEqual([
      { count: 27, steps: 300 },
      { count: 9, steps: 900 },
      { count: 3, steps: 2700 },
      { count: 1, steps: 8100 },
    ]);
  });

  it('ends with all steps, and begins with at least one', () => {
    expect(halvingRounds(1, 100, 3)).toEqual([{ count: 1, steps: 100 }]);
    expect(halvingRounds(100, 4, 2)).toEqual([
      { count: 100, steps: 1 },
      { count: 50, steps: 2 },
      { count: 25, steps: 4 },
    ]);
    expect(halvingRounds(5, 0, 3)).toEqual([{ count: 5, steps: 0 }]);
  });
});
