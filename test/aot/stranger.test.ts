import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlainName } from '../../src/artifact/file-name.js';
import { parseJson } from '../../src/artifact/load.js';
import {
  checkDigest,
  checkManifest,
  digestOf,
  layoutOf,
  type Manifest,
} from '../../src/artifact/manifest.js';
import { startModel } from '../../src/artifact/session.js';
import { DataError, GradError } from '../../src/errors.js';
import { FIRST_REGION } from '../../src/plan/layout.js';
import { describedValues } from '../../src/train/initial.js';

const HASH = '0'.repeat(64);
const at = (i: number) => FIRST_REGION + 64 * i;

/** A model as a compiler would describe it: a table and a running mean, trained on rows of four. */
const good = () => ({
  format: 1,
  name: 'tiny',
  generator: '2headgrad 0.0.0',
  seed: 42,
  modules: [{ file: 'model.wasm', threads: false, relaxed: false, bytes: 100, sha256: HASH }],
  memory: { bytes: at(40), threadScratch: 0 },
  variables: [
    {
      ...{ name: 'table', shape: [3, 2], dtype: 'f32', role: 'parameter', stream: 256, address: at(0) },
      fill: { kind: 'normal', mean: 0, std: 1 },
    },
    {
      ...{ name: 'mean', shape: [2], dtype: 'f32', role: 'state', stream: 512, address: at(1) },
      fill: { kind: 'values', values: [0, 0.5] },
    },
    {
      ...{ name: 'variance', shape: [2], dtype: 'f32', role: 'state', stream: 768, address: at(2) },
      fill: { kind: 'constant', value: 1 },
    },
  ],
  constants: [{ name: 'constant0', shape: [2], dtype: 'f32', address: at(3), data: 'AACAPwAAAEA=' }],
  entries: {
    train: {
      inputs: [
        { name: 'x', shape: [4, 2], dtype: 'i32', address: at(4), bound: { size: 3, what: 'gather' } },
        { name: 'y', shape: [4], dtype: 'f32', address: at(5) },
        { name: 'learning_rate', shape: [], dtype: 'f32', address: at(6) },
      ],
      outputs: [{ name: 'loss', shape: [], dtype: 'f32', address: at(7) }],
    },
    calibrate: {
      inputs: [{ name: 'x', shape: [4, 2], dtype: 'i32', address: at(8) }],
      outputs: [
        { name: 'mean.0', shape: [2], dtype: 'f32', address: at(9) },
        { name: 'squares.0', shape: [2], dtype: 'f32', address: at(10) },
      ],
    },
  },
  calibration: [{ mean: 'mean', variance: 'variance', perRow: 1 }],
});
type Good = ReturnType<typeof good>;
// biome-ignore lint/suspicious/noExplicitAny: what is wrong with a manifest may be of any type
type Anything = any;

/** What a manifest with a change is refused with; the time that it takes is bounded. */
function refused(change: (manifest: Good & Anything) => void): string {
  const manifest = good();
  change(manifest);
  const started = performance.now();
  let error: unknown;
  try {
    checkManifest(manifest);
  } catch (e) {
    error = e;
  }
  expect(error).toBeInstanceOf(DataError);
  expect(performance.now() - started).toBeLessThan(2000);
  const { message } = error as Error;
  expect(message.length).toBeLessThan(700);
  return message;
}

const ELSEWHERE = [
  ...[
    'https://example.com/x.wasm',
    '//example.com/x',
    'file:///etc/passwd',
    'data:,x',
    'blob:x',
    'C:x',
    'C:\\x',
  ],
  ...[
    '../model.wasm',
    'a/b',
    'a\\b',
    '/etc/passwd',
    '..',
    '.',
    '',
    '.hidden',
    '-option',
    'name.',
    ' ',
    'a b',
  ],
  ...[
    '%2e%2e%2fx',
    'a%00',
    'a\0b',
    'a?b',
    'a#b',
    'a\n',
    'ü.wasm',
    '\u2024\u2024',
    'x'.repeat(129),
    'NUL',
    'con.wasm',
  ],
  ...['com1', '~', '$HOME', '`x`', "'", '\u202ex', null, 1, {}, ['model.wasm']],
];

describe('a manifest of a stranger', () => {
  it('passes as a compiler writes it', () => {
    const manifest = checkManifest(good());
    expect(layoutOf(manifest).constants[0].values).toEqual([1, 2]);
    expect(describedValues(manifest.variables, 1).get('mean')).toEqual(new Float32Array([0, 0.5]));
  });

  it.each(ELSEWHERE)('names no file elsewhere: %j', (file) => {
    expect(isPlainName(file)).toBe(false);
    expect(refused((m) => (m.modules[0].file = file))).toContain('does not belong to its modules');
    expect(refused((m) => (m.weights = { file, bytes: 1, sha256: HASH }))).toContain('its weights');
  });

  it('names files that may lie beside it', () => {
    for (const name of [
      'model.wasm',
      'model.threads-relaxed.wasm',
      'weights.safetensors',
      '_1',
      'x'.repeat(128),
    ])
      expect(isPlainName(name)).toBe(true);
  });

  it.each<[string, (m: Good & Anything) => void, RegExp]>([
    ['one file twice', (m) => m.modules.push(m.modules[0]), /twice, among its files/],
    ['a file of a terabyte', (m) => (m.modules[0].bytes = 2 ** 40), /its modules/],
    ['a million modules', (m) => (m.modules = Array(1e6).fill(m.modules[0])), /1000000 modules, more than/],
    ['more memory than there can be', (m) => (m.memory.bytes = 2 ** 32 + 4), /no size that can be had/],
    ['scratch without end', (m) => (m.memory.threadScratch = 2 ** 52), /no size that can be had/],
    ['a variable on control cells', (m) => (m.variables[0].address = 0), /its variables/],
    ['an input on the losses', (m) => (m.entries.train.inputs[0].address = 4096), /its inputs of train/],
    [
      'a variable on another',
      (m) => (m.variables[1].address = at(0) + 20),
      /"table" and "mean" lie on the same/,
    ],
    [
      'a constant on a variable',
      (m) => (m.constants[0].address = at(1)),
      /"mean" and "constant0" lie|lie on/,
    ],
    ['an input on a variable', (m) => (m.entries.train.inputs[1].address = at(0)), /lie on the same bytes/],
    ['an output on another entry', (m) => (m.entries.train.outputs[0].address = at(9)), /lie on the same/],
    ['an end outside', (m) => (m.variables[0].address = at(40) - 20), /its variables/],
    ['a crooked address', (m) => (m.variables[0].address = at(0) + 2), /its variables/],
    ['a fraction of an address', (m) => (m.variables[0].address = at(0) + 0.5), /its variables/],
    ['a shape of 1e14', (m) => (m.variables[0].shape = [1e7, 1e7]), /its variables/],
    ['a shape whose product overflows', (m) => (m.variables[0].shape = Array(32).fill(1e9)), /its variables/],
    ['a shape of a million axes', (m) => (m.variables[0].shape = Array(1e6).fill(1)), /its variables/],
    ['a negative size', (m) => (m.variables[0].shape = [-1, -6]), /its variables/],
    ['an unknown dtype', (m) => (m.variables[0].dtype = 'f64'), /its variables/],
    ['an empty batch', (m) => (m.entries.train.inputs[0].shape = [0, 2]), /no batch of rows/],
    ['rows of nothing', (m) => (m.entries.train.inputs[0].shape = [4, 0]), /no batch of rows/],
    ['unequal rows', (m) => (m.entries.train.inputs[1].shape = [3]), /no batch of rows/],
    ['no rows', (m) => m.entries.train.inputs.splice(0, 2), /no batch of rows/],
    ['no rate', (m) => m.entries.train.inputs.pop(), /takes no learning rate/],
    ['a loss of many numbers', (m) => (m.entries.train.outputs[0].shape = [2]), /not one number/],
    ['a loss of integers', (m) => (m.entries.train.outputs[0].dtype = 'i32'), /not one number/],
    ['a bound on floats', (m) => (m.entries.train.inputs[1].bound = { size: 1, what: 'x' }), /its inputs/],
    ['a bound of -1', (m) => (m.entries.train.inputs[0].bound.size = -1), /its inputs/],
    ['a variable twice', (m) => (m.variables[1].name = 'table'), /"table" .*twice/],
    [
      'a name that is a prototype',
      (m) => (m.variables[0].name = '__proto__'),
      /"__proto__" cannot be a name/,
    ],
    ['an input that is one', (m) => (m.entries.train.inputs[0].name = '__proto__'), /"__proto__" cannot/],
    [
      'an entry that is one',
      (m) => (m.entries = JSON.parse('{"__proto__":{}}')),
      /"__proto__" cannot be a name/,
    ],
    ['an entry that lies on another', (m) => (m.entries.constructor = m.entries.train), /damaged/],
    ['an entry that is no object', (m) => (m.entries.mine = 1), /entries/],
    ['an entry by half of a pair', (m) => (m.entries['\ud800'] = { inputs: [], outputs: [] }), /damaged/],
    ['half of a surrogate pair', (m) => (m.variables[0].name = 'a\ud800'), /its variables/],
    ['too few values', (m) => (m.variables[1].fill.values = [1]), /its variables/],
    ['too many values', (m) => (m.variables[1].fill.values = [1, 2, 3]), /its variables/],
    ['an unknown fill', (m) => (m.variables[0].fill = { kind: 'zeros' }), /its variables/],
    ['a fill that objects have', (m) => (m.variables[0].fill = { kind: 'constructor' }), /its variables/],
    ['a fill of no kind', (m) => (m.variables[0].fill = { kind: {} }), /its variables/],
    ['a fill that is not finite', (m) => (m.variables[0].fill.std = Number.NaN), /its variables/],
    ['a stream beyond 32 bits', (m) => (m.variables[0].stream = 2 ** 32), /its variables/],
    ['a seed beyond 32 bits', (m) => (m.seed = 2 ** 32), /maker or seed/],
    ['a constant that is cut', (m) => (m.constants[0].data = 'AACA'), /its constants/],
    ['a constant of no base64', (m) => (m.constants[0].data = 'AACAPwAAAE%='), /its constants/],
    ['a constant of three', (m) => (m.constants[0].data = 'AAAAAAAAAAAAAAAA'), /its constants/],
    ['a norm of no variable', (m) => (m.calibration[0].mean = 'x'), /its calibration/],
    ['a norm of another size', (m) => (m.variables[1].shape = [1]), /its (calibration|variables)/],
    ['norms without moments', (m) => m.entries.calibrate.outputs.pop(), /its calibration/],
    ['a norm of no rows', (m) => (m.calibration[0].perRow = 0), /its calibration/],
    ['a hole in a list', (m) => delete m.variables[0], /undefined does not belong|its variables/],
    ['a name of a megabyte that is wrong', (m) => (m.variables[0] = 'x'.repeat(1e6)), /its variables/],
  ])('with %s is refused', (_, change, message) => {
    expect(refused(change)).toMatch(message);
  });

  it('that is nested 10,000 or a million levels deep is refused', () => {
    for (const depth of [65, 10_000, 1_000_000]) {
      const bytes = new TextEncoder().encode(`{"format":${'['.repeat(depth)}${']'.repeat(depth)}}`);
      expect(() => parseJson('model.json', bytes)).toThrow(/model\.json .*nested more than 64 levels deep/);
    }
    let deep: unknown = 0;
    for (let i = 0; i < 10_000; i++) deep = [deep];
    for (const field of ['format', 'generator', 'modules', 'variables', 'entries', 'calibration', 'memory'])
      expect(refused((m) => (m[field] = deep))).toMatch(/^model\.json is damaged/);
    expect(refused((m) => (m.variables[0].fill.kind = deep))).toContain('does not belong');
    expect(refused((m) => (m.variables[0] = deep))).toContain('does not belong');
  });

  it('asks for no file at all unless all of it is right', async () => {
    const asked: string[] = [];
    const place = {
      url: (file: string) => new URL(`file:///nowhere/${asked.push(file)}`),
      spawn: () => Promise.reject(),
    };
    const manifest: Anything = { ...good(), weights: { file: '../secret', bytes: 1, sha256: HASH } };
    await expect(startModel(manifest, place)).rejects.toThrow(DataError);
    expect(asked).toEqual([]);
  });
});

describe('a manifest that is changed anywhere', () => {
  it('means the same or is refused with a DataError', async () => {
    const written = checkManifest(good());
    const whole = JSON.stringify({ ...written, sha256: await digestOf(written) });
    const load = async (text: string): Promise<Manifest> => {
      const manifest = checkManifest(parseJson('model.json', new TextEncoder().encode(text)));
      await checkDigest(manifest);
      return manifest;
    };
    const original = await load(whole);
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.constantFrom(
        '0',
        '-1',
        '1e999',
        '9',
        'null',
        '[]',
        '{}',
        '"',
        ',',
        ':',
        '__proto__',
        ' ',
        '\\u0000',
        '.5',
      ),
    );
    const change = fc.record({ at: fc.nat(whole.length), cut: fc.nat(8), piece });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        let text = whole;
        for (const { at, cut, piece } of changes) text = text.slice(0, at) + piece + text.slice(at + cut);
        const loaded = await load(text).catch((error) => {
          expect(error).toBeInstanceOf(GradError);
        });
        // Where the very name of the hash was hit, there is none to tell.
        if (loaded?.sha256) expect(loaded).toEqual(original);
      }),
      { numRuns: 3000, seed: 1 },
    );
  });

  it('and whose hash is made again or left out is refused, or describes a memory that can be filled', () => {
    const value = fc.oneof(
      fc.constantFrom<unknown>(
        0,
        -1,
        0.5,
        1e300,
        2 ** 32,
        2 ** 53,
        null,
        true,
        '',
        '__proto__',
        'f32',
        [],
        {},
        [0],
        [[]],
      ),
      fc.integer({ min: 0, max: at(41) }),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), value, fc.boolean()), { minLength: 1, maxLength: 2 }),
        (changes) => {
          const manifest: Anything = good();
          for (const [n, value, remove] of changes) {
            const places = [...placesIn(manifest)];
            const [owner, key] = places[n % places.length];
            if (remove) delete owner[key];
            else owner[key] = value;
          }
          let checked: Manifest;
          try {
            checked = checkManifest(JSON.parse(JSON.stringify(manifest)));
          } catch (error) {
            expect(error).toBeInstanceOf(DataError);
            return;
          }
          const { end, constants, variables } = layoutOf(checked);
          for (const { address, bytes, values } of constants) {
            expect(address + bytes).toBeLessThanOrEqual(end);
            expect([1, bytes / 4]).toContain(values.length);
          }
          for (const [name, elements] of describedValues(checked.variables, 1))
            expect(elements.length).toBe(variables.find((v) => v.name === name)!.bytes / 4);
        },
      ),
      { numRuns: 3000, seed: 1 },
    );
  });
});

/** Every place of a value that holds another. */
function* placesIn(value: Anything): Generator<[owner: Anything, key: string]> {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    yield [value, key];
    yield* placesIn(value[key]);
  }
}
