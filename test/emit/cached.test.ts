import { expect, it, test } from 'vitest';
import { decodeModule, encodeModule, keyOf } from '../../src/emit/cached.js';
import type { CompileOptions, CompilerInput } from '../../src/emit/compile.js';
import { f32, trace } from '../../src/index.js';
import { isLayout } from '../../src/plan/check-layout.js';
import { ALIGNMENT, FIRST_REGION, type MemoryLayout } from '../../src/plan/layout.js';

// The wasm and the layout are made by hand: nothing here needs the compiler.

const graph = trace('small', { x: f32(3) }, ({ x }) => ({ y: x.mul(2) }));
const input: CompilerInput = {
  name: 'small',
  variables: [{ name: 'w', shape: [2, 3], dtype: 'f32' }],
  entries: { call: graph },
};
const place = (name: string, at: number, shape: number[]) => ({
  ...{ name, shape, dtype: 'f32' as const },
  address: FIRST_REGION + at * ALIGNMENT,
  bytes: 4 * shape.reduce((a, b) => a * b, 1),
});
const layout: MemoryLayout = {
  variables: [place('w', 0, [2, 3])],
  constants: [{ ...place('c', 1, [4]), values: [1, -0, Number.NaN, Number.POSITIVE_INFINITY] }],
  entries: { call: { inputs: [place('x', 2, [3])], outputs: [place('y', 3, [3])] } },
  end: FIRST_REGION + 5 * ALIGNMENT,
  threadScratch: 128,
};
const wasm = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const secretOf = (byte: number) => ({ secret: async () => new Uint8Array(32).fill(byte) });
const module = { wasm, layout };

it('gives back what was kept, numbers without a word in JSON too', async () => {
  for (const cache of [{}, secretOf(1)]) {
    const bytes = await encodeModule(module, 'key', cache);
    expect(await decodeModule(bytes, 'key', input, cache)).toEqual(module);
  }
});

it('does not take an entry of which any byte is another', async () => {
  const bytes = await encodeModule(module, 'key');
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [1, 0x80]) {
      bytes[at] ^= flip;
      expect(await decodeModule(bytes, 'key', input)).toBeUndefined();
      bytes[at] ^= flip;
    }
  }
  expect(await decodeModule(bytes, 'key', input)).toBeDefined();
});

it('does not take an entry that is shorter or longer than it was', async () => {
  const bytes = await encodeModule(module, 'key');
  for (let length = 0; length < bytes.length; length++)
    expect(await decodeModule(bytes.subarray(0, length), 'key', input)).toBeUndefined();
  expect(await decodeModule(Uint8Array.of(...bytes, 0), 'key', input)).toBeUndefined();
});

it('does not take the entry of another key, or of somebody who does not know the secret', async () => {
  const own = secretOf(1);
  const taken = async (key: string, by: object) =>
    (await decodeModule(await encodeModule(module, key, by), 'key', input, own)) !== undefined;
  expect(await taken('key', own)).toBe(true);
  expect(await taken('another', own)).toBe(false);
  expect(await taken('key', {})).toBe(false);
  expect(await taken('key', secretOf(2))).toBe(false);
});

test.each<[string, Partial<CompilerInput>]>([
  ['variables', { variables: [{ name: 'w', shape: [3, 3], dtype: 'f32' }] }],
  ['types', { variables: [{ name: 'w', shape: [2, 3], dtype: 'i32' }] }],
  ['names', { variables: [{ name: 'v', shape: [2, 3], dtype: 'f32' }] }],
  ['entries', { entries: { other: graph } }],
  ['inputs', { entries: { call: trace('small', { x: f32(4) }, ({ x }) => ({ y: x.slice([0], [3]) })) } }],
])('does not take a module whose layout has other %s than the program', async (_, other) => {
  const bytes = await encodeModule(module, 'key');
  expect(await decodeModule(bytes, 'key', { ...input, ...other })).toBeUndefined();
});

const [w] = layout.variables;
const [c] = layout.constants;
const [x] = layout.entries.call.inputs;

test.each<[string, object]>([
  ['no variables', { variables: undefined }],
  ['variables that are no list', { variables: {} }],
  ['a variable that is null', { variables: [null] }],
  ['two variables of one name', { variables: [w, { ...w, address: w.address + 256 }] }],
  ['a name that is no text', { variables: [{ ...w, name: 1 }] }],
  ['an address that is no number', { variables: [{ ...w, address: '36864' }] }],
  ['an address that is negative', { variables: [{ ...w, address: -64 }] }],
  ['an address among the control cells', { variables: [{ ...w, address: 64 }] }],
  ['an address that is not aligned', { variables: [{ ...w, address: w.address + 4 }] }],
  ['a buffer in another', { variables: [{ ...w, address: x.address }] }],
  ['a buffer behind the end', { variables: [{ ...w, address: layout.end }] }],
  ['a size that is not that of the shape', { variables: [{ ...w, bytes: w.bytes + 4 }] }],
  ['a shape that is no list', { variables: [{ ...w, shape: 6 }] }],
  ['an axis that is no count', { variables: [{ ...w, shape: [2.5, 4], bytes: 40 }] }],
  ['an axis of negative length', { variables: [{ ...w, shape: [-2, -3] }] }],
  ['an unknown dtype', { variables: [{ ...w, dtype: 'f64' }] }],
  ['constants without values', { constants: [{ ...c, values: undefined }] }],
  ['too few values', { constants: [{ ...c, values: [1, 2] }] }],
  ['values that are no numbers', { constants: [{ ...c, values: [1, 2, 3, '4'] }] }],
  ['no entries', { entries: undefined }],
  ['an entry without outputs', { entries: { call: { inputs: [x] } } }],
  ['no end', { end: undefined }],
  ['an end beyond 32 bits', { end: 2 ** 32 + 64 }],
  ['an end in front of its buffers', { end: x.address }],
  ['no scratch', { threadScratch: undefined }],
  ['a scratch that is not finite', { threadScratch: Number.POSITIVE_INFINITY }],
])('a layout with %s is none', (_, damage) => {
  expect(isLayout(layout)).toBe(true);
  expect(isLayout({ ...layout, ...damage })).toBe(false);
});

test.each([undefined, null, 1, 'layout', [], {}])('%s is no layout', (value) => {
  expect(isLayout(value)).toBe(false);
});

/** One other value for every option that can change a module, as a type, so that a new one has to be named here. */
type Choice = Required<Omit<CompileOptions, 'cache' | 'progress' | 'asc' | 'around'>>;
const usual: Choice = {
  library: { 'a.ts': '' },
  without: [],
  threadShare: 1000,
  cacheBytes: 1000,
  allPanels: false,
  allPrologues: false,
  profile: false,
  poison: false,
  shareKernels: true,
  shared: true,
  relaxed: false,
  level: 3,
  memory: 1_000_000,
};
const others: Choice = {
  library: { 'a.ts': ' ' },
  without: ['dead-code'],
  threadShare: Number.POSITIVE_INFINITY,
  cacheBytes: 2000,
  allPanels: true,
  allPrologues: true,
  profile: true,
  poison: true,
  shareKernels: false,
  shared: false,
  relaxed: true,
  level: 1,
  memory: 1_000_001,
};

const key = ({ shared, relaxed, level, ...options }: Choice, of = input) =>
  keyOf(of, options, { shared, relaxed, level });

it('every option that changes a module changes its key, and no two alike', async () => {
  const keys = [await key(usual)];
  for (const name of Object.keys(others) as (keyof Choice)[])
    keys.push(await key({ ...usual, [name]: others[name] }));
  // What JSON has no word for is still another number.
  for (const threadShare of [0, -0, Number.NaN, undefined as unknown as number])
    keys.push(await key({ ...usual, threadShare }));
  expect(new Set(keys).size).toBe(keys.length);
});

it('an option that nobody has thought of changes the key, too; where modules are kept does not', async () => {
  const asc = { shared: true, relaxed: false, level: 3 };
  const of = (options: object) => keyOf(input, { ...usual, ...options }, asc);
  expect(await of({ tomorrow: 1 })).not.toBe(await of({}));
  expect(await of({ cache: {}, progress: () => {} })).toBe(await of({}));
});

it('every part of the program changes the key', async () => {
  const other = trace('small', { x: f32(3) }, ({ x }) => ({ y: x.mul(3) }));
  const inputs: CompilerInput[] = [
    input,
    { ...input, name: 'large' },
    { ...input, variables: [{ name: 'v', shape: [2, 3], dtype: 'f32' }] },
    { ...input, variables: [{ name: 'w', shape: [3, 2], dtype: 'f32' }] },
    { ...input, variables: [{ name: 'w', shape: [2, 3], dtype: 'i32' }] },
    { ...input, entries: { other: graph } },
    { ...input, entries: { call: other } },
    { ...input, entries: { call: graph, again: graph } },
  ];
  const keys = await Promise.all(inputs.map((one) => key(usual, one)));
  expect(new Set(keys).size).toBe(keys.length);
});
