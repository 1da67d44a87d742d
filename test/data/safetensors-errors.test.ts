import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../../src/data/safetensors.js';
import { DataError, GradError } from '../../src/errors.js';

/** A file with this header and so many bytes of data. */
function file(header: string | Uint8Array, dataBytes = 0): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const tensor = (name: string, begin: number, end: number, more: object = {}) =>
  `${JSON.stringify(name)}:${JSON.stringify({ dtype: 'F32', shape: [(end - begin) / 4], data_offsets: [begin, end], ...more })}`;

function refused(run: () => unknown, message: string | RegExp): void {
  let error: unknown;
  try {
    run();
  } catch (e) {
    error = e;
  }
  expect(error).toBeInstanceOf(DataError);
  expect((error as Error).message).not.toContain('\n');
  expect((error as Error).message).toMatch(message);
}
const damaged = (bytes: Uint8Array, message: string | RegExp) =>
  refused(() => decodeSafetensors(bytes), message);

test('a file without room for the header length is truncated', () => {
  for (const n of [0, 1, 7]) damaged(new Uint8Array(n), `truncated: ${n} bytes`);
});

test('a file cut at any byte is refused', () => {
  const whole = encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [3], data: new Float32Array(3) }]]), {
    step: '1',
  });
  for (let n = 0; n < whole.length; n++) damaged(whole.subarray(0, n), /./);
  damaged(whole.subarray(0, whole.length - 1), 'tensor "w": its data ends at byte 12 but there are 11 bytes');
});

test('bytes after the last tensor are refused', () => {
  damaged(file(`{${tensor('a', 0, 4)}}`, 5), '1 bytes of data after tensor "a", the last');
  damaged(file('{}', 3), '3 bytes of data but no tensors');
});

test('a header longer than the file is refused', () => {
  const bytes = file('{}');
  bytes[0] = 3;
  damaged(bytes, 'truncated: the header should end at byte 11 but the file has 10 bytes');
});

test('a header over 100 MB is refused, up to the largest length there is', () => {
  const bytes = file('{}');
  new DataView(bytes.buffer).setBigUint64(0, 100_000_001n, true);
  damaged(bytes, /reads 100000001, over the limit of 100000000/);
  bytes.fill(255, 0, 8);
  damaged(bytes, /reads 18446744073709551615/);
});

test('a header that is not a JSON object is refused', () => {
  damaged(file(''), 'does not start with "{"');
  damaged(file(' {}'), 'does not start with "{"');
  damaged(file('[]'), 'does not start with "{"');
  damaged(file('{"a"}'), /not valid JSON \(.+\)/);
  damaged(file('{}x'), 'not valid JSON');
  damaged(file('{\n"a":\n'), 'not valid JSON');
  damaged(file(new Uint8Array([0x7b, 0x22, 0xff, 0x22])), 'not valid UTF-8');
});

test('metadata that is not an object of strings is refused', () => {
  damaged(file('{"__metadata__":[]}'), '__metadata__ is not an object of strings');
  damaged(file('{"__metadata__":null}'), '__metadata__ is not an object of strings');
  damaged(file('{"__metadata__":{"step":7}}'), '__metadata__ "step" is not a string');
});

test('a tensor that is in the header twice is refused, however its name is written', () => {
  damaged(
    file(`{${tensor('a', 0, 4)},${tensor('b', 4, 8)},${tensor('a', 0, 4)}}`, 8),
    'tensor "a" is in the header twice',
  );
  const escaped = tensor('a', 0, 4).replace('"a"', '"\\u0061"');
  damaged(file(`{${tensor('a', 0, 4)},${escaped}}`, 4), 'tensor "a" is in the header twice');
  const shapes = '{"a":{"dtype":"F32","shape":[1],"shape" :[1],"data_offsets":[0,4]}}';
  damaged(file(shapes, 4), '"shape" of "a" is in the header twice');
  damaged(file('{"__metadata__":{"k":"1","k":"2"}}'), '"k" of "__metadata__" is in the header twice');
});

test('the same key in different objects, and quotes inside of strings, are no duplicates', () => {
  const header = `{"__metadata__":{"a":"{\\"k\\":1,\\"k\\":2}","k":"k","b\\\\":"\\\\"},${tensor('a', 0, 4)},${tensor('k', 4, 8)}}`;
  const { tensors, metadata } = decodeSafetensors(file(header, 8));
  expect([...tensors.keys()]).toEqual(['a', 'k']);
  expect(metadata).toEqual({ a: '{"k":1,"k":2}', k: 'k', 'b\\': '\\' });
});

test('a long header is checked in one pass', () => {
  const value = 'a"\\😀{['.repeat(500_000);
  const bytes = encodeSafetensors(new Map(), { long: value });
  expect(decodeSafetensors(bytes).metadata.long).toBe(value);
});

test('a tensor whose header lacks or spoils a field is refused by name', () => {
  damaged(file('{"w":3}'), 'tensor "w": its header is not an object');
  damaged(file('{"w":{}}'), 'tensor "w": dtype undefined is not one of F32, I32, F64, F16 and BF16');
  for (const dtype of ['I64', 'f32', 'toString', 7, null]) {
    damaged(
      file(`{${tensor('w', 0, 4, { dtype })}}`, 4),
      `tensor "w": dtype ${JSON.stringify(dtype)} is not one of`,
    );
  }
  for (const shape of [null, 1, [-1], [0.5], ['1'], [2 ** 53]]) {
    damaged(file(`{${tensor('w', 0, 4, { shape })}}`, 4), 'tensor "w": shape ');
  }
  for (const offsets of [null, [0], [0, 4, 8], [4, 0], [-4, 0], [0, 4.5], ['0', 4]]) {
    damaged(file(`{${tensor('w', 0, 4, { data_offsets: offsets })}}`, 4), 'tensor "w": data_offsets ');
  }
});

test('a shape that does not match its bytes is refused, also one whose product overflows', () => {
  damaged(
    file(`{${tensor('w', 0, 8, { shape: [3] })}}`, 8),
    /tensor "w": F32\[3\] takes 12 bytes but .* span 8/,
  );
  damaged(file(`{${tensor('w', 0, 8, { dtype: 'F64', shape: [2] })}}`, 8), 'takes 16 bytes');
  damaged(
    file(`{${tensor('w', 0, 0, { shape: [2 ** 32, 2 ** 32] })}}`),
    'tensor "w": F32[4294967296,4294967296] takes',
  );
});

test('overlapping tensors are refused', () => {
  damaged(
    file(`{${tensor('a', 0, 8)},${tensor('b', 4, 12)}}`, 12),
    'tensor "b": its data overlaps that of "a"',
  );
  damaged(
    file(`{${tensor('a', 0, 8)},${tensor('b', 0, 8)}}`, 8),
    'tensor "b": its data overlaps that of "a"',
  );
  damaged(
    file(`{${tensor('a', 0, 8)},${tensor('b', 4, 4)}}`, 8),
    'tensor "b": its data overlaps that of "a"',
  );
});

test('a hole before or between tensors is refused', () => {
  damaged(file(`{${tensor('a', 4, 8)}}`, 8), 'tensor "a": a hole of 4 bytes before its data');
  damaged(
    file(`{${tensor('b', 8, 12)},${tensor('a', 0, 4)}}`, 12),
    'tensor "b": a hole of 4 bytes before its data',
  );
});

test('offsets beyond the file are refused without reserving their memory', () => {
  damaged(
    file(`{${tensor('w', 0, 2 ** 44)}}`, 4),
    'tensor "w": its data ends at byte 17592186044416 but there are 4 bytes',
  );
});

test('any change of one byte of the header either is refused or decodes, and never fails otherwise', () => {
  const whole = encodeSafetensors(
    new Map<string, StoredTensor>([
      ['a', { dtype: 'F32', shape: [2, 1], data: new Float32Array(2) }],
      ['b', { dtype: 'F64', shape: [1], data: new Float64Array(1) }],
    ]),
    { k: 'v' },
  );
  const end = 8 + whole[0];
  fc.assert(
    fc.property(fc.nat(end - 1), fc.nat(255), (at, value) => {
      const bytes = whole.slice();
      bytes[at] = value;
      try {
        decodeSafetensors(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(GradError);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('what the format cannot hold is refused before anything is written', () => {
  const data = new Float32Array(2);
  const encode = (name: string, value: object, metadata?: object) => () =>
    encodeSafetensors(new Map([[name, value as StoredTensor]]), metadata as Record<string, string>);
  const good = { dtype: 'F32', shape: [2], data };
  expect(encode('w', good)).not.toThrow();
  refused(encode('__metadata__', good), 'tensor "__metadata__": the name is reserved');
  refused(encode('w', { ...good, shape: [3] }), 'tensor "w": shape [3] has 3 elements but there are 2');
  refused(encode('w', { ...good, shape: [-2, -1] }), 'tensor "w": shape [-2,-1] is not a list of sizes');
  refused(encode('w', { ...good, dtype: 'F16' }), 'tensor "w": dtype "F16" is not one of');
  refused(
    encode('w', { ...good, dtype: 'I32' }),
    'tensor "w": I32 is held in Int32Array, not in Float32Array',
  );
  refused(
    encode('w', { ...good, data: undefined }),
    'tensor "w": F32 is held in Float32Array, not in undefined',
  );
  refused(encode('w', good, { step: 7 }), 'metadata "step" is not a string');
  refused(encode('\ud800', good), 'half of a surrogate pair');
  refused(encode('w', good, { k: '\udc00' }), 'half of a surrogate pair');
});
