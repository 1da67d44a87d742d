import {
  align,
  type Buffer,
  CONTROL,
  LOSSES,
  type MemoryLayout,
  RATES,
  SLACK,
  sessionBytes,
} from '../../plan/layout.js';
import { pack } from '../../plan/panels.js';
import { RandomStream, STREAMS } from '../../random/philox.js';
import { numel, type TensorType } from '../../shape.js';
import type { EntryDescription } from '../../train/description.js';
import type { Numbers } from '../../train/engine.js';

/** A module and what a session of it would begin with. */
export interface Candidate {
  readonly wasm: Uint8Array;
  readonly layout: MemoryLayout;
  /** What its entries take: indices have bounds. */
  readonly entries: Readonly<Record<string, EntryDescription>>;
  readonly initial: ReadonlyMap<string, Numbers>;
  readonly seed: number;
  readonly shared: boolean;
  readonly threads: number;
  /** For tests: what is compiled with wide vectors in place of the module. */
  readonly rival?: Uint8Array;
}

/** What the process that tries a module (trial.js) is told; bytes lie behind it, one block after the other. */
export interface Request {
  readonly shared: boolean;
  readonly threads: number;
  /** Bytes of the memory, and where the threads' scratch begins. */
  readonly memory: number;
  readonly scratch: number;
  readonly control: typeof CONTROL;
  readonly rates: number;
  readonly losses: number;
  /** The learning rate of the steps that are compared. */
  readonly rate: number;
  /** What is compared: from the losses to this address. */
  readonly end: number;
  /** Steps are trained; the job of each entry follows, in their order. */
  readonly trains: boolean;
  readonly entries: number;
  /** Places with names, to tell where bits differ; of f32 or not. */
  readonly places: readonly { name: string; address: number; bytes: number; f32: boolean }[];
  /** Inputs of f32 that may hold anything. */
  readonly floats: readonly { address: number; bytes: number }[];
  /** Blocks of bytes: the module, then what belongs at addresses. */
  readonly blocks: readonly { address: number; bytes: number }[];
  /** For tests: the last block is what is compiled with wide vectors. */
  readonly rival: boolean;
}

/** The rate of the steps whose bits are compared. */
const RATE = 0.01;

/** The request as a length, JSON, and the blocks. */
export function encodeRequest(candidate: Candidate): Uint8Array {
  const { wasm, layout, entries, initial, seed, shared, threads, rival } = candidate;
  const writes = [
    ...layout.constants.map(({ address, bytes, dtype, values }) => ({
      address,
      values: filled(dtype === 'f32' ? new Float32Array(bytes / 4) : new Int32Array(bytes / 4), values),
    })),
    ...layout.variables.flatMap((variable) => {
      const values = initial.get(variable.name);
      return values ? [{ address: variable.address, values: asItLies(values, variable) }] : [];
    }),
  ];
  const stream = new RandomStream(seed, STREAMS.batch);
  let drawn = 0;
  const random = () => stream.uniform(drawn++);
  const floats: { address: number; bytes: number }[] = [];
  let end = sessionBytes(layout, threads);
  const control = new Map<number, number>([
    [CONTROL.seed, seed],
    [CONTROL.times, 1],
  ]);
  for (const [name, { inputs }] of Object.entries(layout.entries)) {
    const bounds = new Map(entries[name]?.inputs.map((input) => [input.name, input.bound?.size]));
    inputs.forEach((input, i) => {
      const isRate = name === 'train' && i === inputs.length - 1;
      const made = isRate ? Float32Array.of(RATE) : madeUp(input, random, bounds.get(input.name));
      writes.push({ address: input.address, values: made });
      if (input.dtype === 'f32') floats.push({ address: input.address, bytes: input.bytes });
      if (name !== 'train' || isRate) return;
      control.set(CONTROL.columns + 4 * i, end);
      control.set(CONTROL.rows, input.shape[0] ?? 1);
      writes.push({ address: end, values: made });
      if (input.dtype === 'f32') floats.push({ address: end, bytes: input.bytes });
      end = align(end + input.bytes + SLACK);
    });
  }
  for (const [address, value] of control) writes.push({ address, values: Int32Array.of(value) });
  const blocks = [wasm, ...writes.map(({ values }) => bytesOf(values)), ...(rival ? [rival] : [])];
  const places = [...layout.variables, ...Object.values(layout.entries).flatMap((entry) => entry.outputs)];
  const request: Request = {
    ...{
      shared,
      threads,
      memory: end + SLACK,
      scratch: layout.end,
      control: CONTROL,
      rates: RATES,
      losses: LOSSES,
      rate: RATE,
    },
    end: layout.end,
    trains: layout.entries.train !== undefined,
    entries: Object.keys(layout.entries).length,
    places: places.map(({ name, address, bytes, dtype }) => ({ name, address, bytes, f32: dtype === 'f32' })),
    floats,
    blocks: blocks.map(({ length }, i) => ({ address: writes[i - 1]?.address ?? 0, bytes: length })),
    rival: rival !== undefined,
  };
  return joined([new TextEncoder().encode(JSON.stringify(request)), ...blocks]);
}

function asItLies(values: Numbers, { shape, panels, bytes }: Buffer): Float32Array | Int32Array {
  if (panels) {
    const elements = new Float32Array(bytes / 4);
    pack(values, { shape, panels }, elements);
    return elements;
  }
  return values instanceof Float64Array ? Float32Array.from(values) : values;
}

function filled<T extends Float32Array | Int32Array>(array: T, values: readonly number[]): T {
  if (values.length === 1) array.fill(values[0]);
  else array.set(values);
  return array;
}

/** Elements that a model can do something with: floats between 0 and 1, where also a logarithm is finite; indices that are in range. */
export function madeUp(
  { dtype, shape }: TensorType,
  random: () => number,
  below = 2,
): Float32Array | Int32Array {
  const length = numel(shape);
  if (dtype === 'f32') return Float32Array.from({ length }, random);
  return Int32Array.from({ length }, () => Math.floor(random() * below));
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The length of the first, and all of them. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(4 + parts.reduce((sum, part) => sum + part.length, 0));
  new DataView(bytes.buffer).setUint32(0, parts[0].length, true);
  let at = 4;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
