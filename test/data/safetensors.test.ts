import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeSafetensors,
  encodeSafetensors,
  type StoredTensor,
  type Tensors,
} from '../../src/data/safetensors.js';

const f32 = (shape: number[], ...values: number[]): StoredTensor => ({
  dtype: 'F32',
  shape,
  data: Float32Array.from(values),
});

/** The parts of a file as the format defines them, read without the code under test. */
function parts(bytes: Uint8Array) {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  return { length, text, json: JSON.parse(text), data: bytes.subarray(8 + length) };
}

test('the bytes of a small file are those that the reference implementation writes', () => {
  const bytes = encodeSafetensors(
    new Map<string, StoredTensor>([
      ['test', { dtype: 'I32', shape: [2, 2], data: new Int32Array([1, 2, 3, -1]) }],
    ]),
  );
  const header = '{"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}}    ';
  expect(header.length % 8).toBe(0);
  const expected = [header.length, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(header)];
  expected.push(1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 255, 255, 255, 255);
  expect([...bytes]).toEqual(expected);
});

test('floats are little-endian IEEE 754', () => {
  expect([...parts(encodeSafetensors(new Map([['a', f32([], 1)]]))).data]).toEqual([0, 0, 0x80, 0x3f]);
  const f64: StoredTensor = { dtype: 'F64', shape: [1], data: new Float64Array([-2]) };
  expect([...parts(encodeSafetensors(new Map([['a', f64]]))).data]).toEqual([0, 0, 0, 0, 0, 0, 0, 0xc0]);
});

test('tensors are ordered by dtype, largest alignment first, then by name, without holes', () => {
  const tensors: Tensors = new Map([
    ['10', f32([1], 1)],
    ['i', { dtype: 'I32', shape: [3], data: new Int32Array(3) }],
    ['9', f32([2], 2, 3)],
    ['d', { dtype: 'F64', shape: [1, 1], data: new Float64Array(1) }],
    ['empty', f32([0, 4])],
  ]);
  const { text, json } = parts(encodeSafetensors(tensors, { step: '7', 10: 'a' }));
  // The names in the order of the text: JSON.parse would move "9" and "10" to the front.
  expect([...text.matchAll(/"([^"]+)":\{/g)].map((match) => match[1])).toEqual([
    '__metadata__',
    'd',
    '10',
    '9',
    'empty',
    'i',
  ]);
  expect(json.__metadata__).toEqual({ step: '7', 10: 'a' });
  expect(json.d.data_offsets).toEqual([0, 8]);
  expect(json['10'].data_offsets).toEqual([8, 12]);
  expect(json['9']).toEqual({ dtype: 'F32', shape: [2], data_offsets: [12, 20] });
  expect(json.empty).toEqual({ dtype: 'F32', shape: [0, 4], data_offsets: [20, 20] });
  expect(json.i.data_offsets).toEqual([20, 32]);
});

test('names are sorted as their UTF-8 bytes are', () => {
  const names = ['😀', '～', 'b', 'ab', 'a', ''];
  const text = parts(encodeSafetensors(new Map(names.map((name) => [name, f32([], 0)])))).text;
  expect([...text.matchAll(/"([^"]*)":\{/g)].map((match) => match[1])).toEqual([
    '',
    'a',
    'ab',
    'b',
    '～',
    '😀',
  ]);
});

test('the data begins at a multiple of 8 whatever the header', () => {
  for (let n = 1; n < 20; n++) {
    const { length, text } = parts(encodeSafetensors(new Map([['n'.repeat(n), f32([1], 1)]])));
    expect(length % 8).toBe(0);
    expect(text).toMatch(/^\{.*\} {0,7}$/);
  }
});

test('metadata is left out when there is none, and no tensors are a valid file', () => {
  const bytes = encodeSafetensors(new Map());
  expect([...bytes]).toEqual([8, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode('{}      ')]);
  expect(decodeSafetensors(bytes)).toEqual({ tensors: new Map(), metadata: {} });
});

test('the order in which tensors and metadata were given does not show', () => {
  const a = encodeSafetensors(
    new Map([
      ['a', f32([], 1)],
      ['b', f32([], 2)],
    ]),
    { x: '1', y: '2' },
  );
  const b = encodeSafetensors(
    new Map([
      ['b', f32([], 2)],
      ['a', f32([], 1)],
    ]),
    { y: '2', x: '1' },
  );
  expect(a).toEqual(b);
});

test('what is encoded is decoded, bit by bit', () => {
  const shape = fc.array(fc.nat(4), { maxLength: 3 });
  const text = fc.string({ unit: 'grapheme' });
  const size = (s: number[]) => s.reduce((a, b) => a * b, 1);
  const exactly = (n: number) => ({ minLength: n, maxLength: n });
  const tensor: fc.Arbitrary<StoredTensor> = shape.chain((shape) =>
    fc.oneof(
      fc.float32Array(exactly(size(shape))).map((data) => ({ dtype: 'F32' as const, shape, data })),
      fc.float64Array(exactly(size(shape))).map((data) => ({ dtype: 'F64' as const, shape, data })),
      fc.int32Array(exactly(size(shape))).map((data) => ({ dtype: 'I32' as const, shape, data })),
    ),
  );
  const name = fc
    .oneof(text, fc.constantFrom('__proto__', 'constructor', '0', 'a"b\\', '\n'))
    .filter((n) => n !== '__metadata__');
  const tensors = fc.array(fc.tuple(name, tensor)).map((entries): Tensors => new Map(entries));
  const metadata = fc
    .array(fc.tuple(name, text))
    .map((entries): Record<string, string> => Object.fromEntries(entries));
  fc.assert(
    fc.property(tensors, metadata, fc.nat(9), (tensors, metadata, shift) => {
      const bytes = encodeSafetensors(tensors, metadata);
      // Anywhere in a larger buffer, hence at any alignment.
      const moved = new Uint8Array(bytes.length + shift + 3);
      moved.set(bytes, shift);
      const back = decodeSafetensors(moved.subarray(shift, shift + bytes.length));
      expect(Object.entries(back.metadata).sort()).toEqual(Object.entries(metadata).sort());
      expect([...back.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
      for (const [name, { dtype, shape, data }] of tensors) {
        const got = back.tensors.get(name)!;
        expect([got.dtype, got.shape]).toEqual([dtype, shape]);
        expect(got.data.constructor).toBe(data.constructor);
        expect(Buffer.from(got.data.buffer)).toEqual(
          Buffer.from(data.buffer, data.byteOffset, data.byteLength),
        );
      }
      expect(encodeSafetensors(back.tensors, back.metadata)).toEqual(bytes);
    }),
  );
});

test('tensors may be views of shared memory, and decoded ones share no memory with the file', () => {
  const shared = new Float32Array(new SharedArrayBuffer(32), 8, 2);
  shared.set([1.5, -2]);
  const bytes = encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [2], data: shared }]]));
  const sharedBytes = new Uint8Array(new SharedArrayBuffer(bytes.length));
  sharedBytes.set(bytes);
  for (const file of [bytes, Buffer.from(bytes), sharedBytes]) {
    const { data } = decodeSafetensors(file).tensors.get('w')!;
    file.fill(0);
    expect([...data]).toEqual([1.5, -2]);
    expect(data.buffer).toBeInstanceOf(ArrayBuffer);
    expect(data.buffer.byteLength).toBe(8);
  }
});

/** A file with one tensor of 16-bit numbers, all that there are. */
function halves(dtype: string): Float32Array {
  const header = `{"w":{"dtype":"${dtype}","shape":[65536],"data_offsets":[0,131072]}}`.padEnd(72);
  const bytes = new Uint8Array(80 + 131072);
  new DataView(bytes.buffer).setBigUint64(0, 72n, true);
  bytes.set(new TextEncoder().encode(header), 8);
  new Uint16Array(bytes.buffer, 80).forEach((_, i, all) => {
    all[i] = i;
  });
  const { dtype: got, data } = decodeSafetensors(bytes).tensors.get('w')!;
  expect(got).toBe('F32');
  return data as Float32Array;
}

test('every F16 is read as the float32 that it is', () => {
  halves('F16').forEach((x, i) => {
    const [sign, exponent, fraction] = [i >> 15 ? -1 : 1, (i >> 10) & 31, i & 1023];
    const finite = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    const size = exponent < 31 ? finite : fraction ? Number.NaN : Number.POSITIVE_INFINITY;
    if (!Object.is(x, sign * size)) expect([i, x]).toEqual([i, sign * size]);
  });
});

test('every BF16 is read as the float32 whose first half it is', () => {
  const bits = new Uint32Array(halves('BF16').slice().buffer);
  // What is no number may be another such afterwards.
  bits.forEach((word, i) => {
    if ((i & 0x7fff) <= 0x7f80 && word !== i * 65536) expect([i, word]).toEqual([i, i * 65536]);
  });
});
