import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson, quoted } from '../../src/data/json.js';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../../src/data/safetensors.js';
import { Vocabulary } from '../../src/data/vocabulary.js';
import { DataError } from '../../src/errors.js';

/** A safetensors file with this header and so many bytes of data. */
function file(header: string, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const LONG = 10_000_000;
const many = (count: number, part: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => part(i)).join();

// What took minutes, or all memory, before; the time limit is wide, for machines that do much else.
test.each<[string, () => Uint8Array, RegExp]>([
  ['lists in lists', () => file(`{"a":${'['.repeat(LONG)}`), /nested more than 3 levels deep/],
  ['objects in objects', () => file('{"a":'.repeat(LONG / 5)), /nested more than 3 levels deep/],
  [
    'a shape of many axes',
    () => file(`{"a":{"shape":[1${',1'.repeat(LONG / 2)}]}}`),
    /more than 1000000 values/,
  ],
  [
    'a million tensors',
    () => file(`{${many(1e6, (i) => `"${i}":{"dtype":"F32"}`)}}`),
    /more than 350000 keys/,
  ],
  [
    'a million words of metadata',
    () => file(`{"__metadata__":{${many(1e6, (i) => `"${i}":""`)}}}`),
    /350000 keys/,
  ],
  [
    'a name without end',
    () => file(`{"${'x'.repeat(LONG)}":{"dtype":"F3"}}`),
    /^tensor "x+\.\.\.: shape undefined is not a list/,
  ],
  ['a string that never closes', () => file(`{"${'x'.repeat(LONG)}`), /not valid JSON/],
  [
    'a shape of 1e14',
    () => file('{"w":{"dtype":"F32","shape":[100000000000000],"data_offsets":[0,400000000000000]}}', 4),
    /ends at byte 400000000000000 but there are 4/,
  ],
  [
    'half of a character',
    () => file('{"\\ud800":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', 4),
    /surrogate/,
  ],
])('%s in a header are refused soon, in a short message', (_, make, message) => {
  const bytes = make();
  const started = performance.now();
  let error: unknown;
  try {
    decodeSafetensors(bytes);
  } catch (e) {
    error = e;
  }
  expect(performance.now() - started).toBeLessThan(5000);
  expect(error).toBeInstanceOf(DataError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message.length).toBeLessThan(700);
});

test('metadata of 40 MB is read', () => {
  const { metadata } = decodeSafetensors(file(`{"__metadata__":{"long":"${'x'.repeat(4 * LONG)}"}}`));
  expect(metadata.long).toHaveLength(4 * LONG);
});

test('names that objects have are names of tensors like any other', () => {
  const names = ['__proto__', 'constructor', 'toString', '0'];
  const data = new Float32Array([1]);
  const tensors = new Map(
    names.map((name): [string, StoredTensor] => [name, { dtype: 'F32', shape: [1], data }]),
  );
  const read = decodeSafetensors(encodeSafetensors(tensors)).tensors;
  expect([...read.keys()].sort()).toEqual(names.sort());
});

test('a file that is changed anywhere means the same or is refused with a DataError', () => {
  const whole = encodeSafetensors(
    new Map<string, StoredTensor>([
      ['a', { dtype: 'F32', shape: [2, 1], data: new Float32Array([1, 2]) }],
      ['b', { dtype: 'F64', shape: [], data: new Float64Array([3]) }],
      ['c', { dtype: 'I32', shape: [0], data: new Int32Array() }],
    ]),
    { step: '7' },
  );
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc
      .constantFrom('[', '{', '"', '\\', '9', '-', 'e9', ',', ':', 'null', '__proto__', '\0')
      .map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(fc.nat(whole.length), fc.nat(9), piece, fc.boolean(), (at, cut, piece, mend) => {
      const bytes = Uint8Array.from([...whole.subarray(0, at), ...piece, ...whole.subarray(at + cut)]);
      // With the length of the header put right, more gets past the first check.
      if (mend && at > 8 && bytes.length > 16)
        new DataView(bytes.buffer).setBigUint64(0, BigInt(Math.max(0, bytes.length - 24)), true);
      try {
        const { tensors } = decodeSafetensors(bytes);
        let total = 0;
        for (const { shape, data } of tensors.values()) {
          expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
          total += data.byteLength;
        }
        expect(total).toBeLessThan(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
      }
    }),
    { numRuns: 3000, seed: 1 },
  );
});

test('a stored vocabulary of 150,000 characters is checked in one pass', () => {
  const characters = Array.from({ length: 150_000 }, (_, i) => String.fromCodePoint(0x10000 + i));
  const started = performance.now();
  expect(Vocabulary.fromJSON({ characters }).size).toBe(150_001);
  expect(() => Vocabulary.fromJSON({ characters: [...characters, characters[149_999]] })).toThrow(/is twice/);
  expect(performance.now() - started).toBeLessThan(5000);
});

test.each([['\ud800'], ['ab'], ['e\u0301'], [''], [7], [null], [['a']], ['x'.repeat(LONG)]])(
  'a stored vocabulary with %.20j is refused',
  (character) => {
    expect(() => Vocabulary.fromJSON({ characters: ['a', character] })).toThrow(
      /^character 1 of the stored vocabulary is .{0,250}, not one character/s,
    );
  },
);

test('JSON beyond its limits, cut off or with a key twice is refused; brackets in strings do not count', () => {
  expect(parseJson(`"${'[{'.repeat(100)}\\"["`)).toHaveLength(202);
  expect(() => parseJson('['.repeat(65) + ']'.repeat(65))).toThrow('is nested more than 64 levels deep');
  expect(() => parseJson('{"a":1,"\\u0061":2}')).toThrow('has the key "a" twice');
  for (const text of ['', '{', '"', '"\\', '[1,]', '\ufeff1'])
    expect(() => parseJson(text)).toThrow(/^is not valid JSON/);
  let deep: unknown = 0;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(quoted(deep)).toMatch(/^(\[+\.\.\.|a value that JSON does not have)$/);
  expect(quoted('x'.repeat(1000)).length).toBeLessThan(210);
});
