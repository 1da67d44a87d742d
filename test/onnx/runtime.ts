import * as ort from 'onnxruntime-web/wasm';
import { encodeOnnx } from '../../src/onnx/encode.js';
import type { OnnxGraph } from '../../src/onnx/model.js';
import type { DType, Shape } from '../../src/shape.js';

// onnxruntime as it is for pages, in wasm: nothing has to be built or fetched to install it.
ort.env.wasm.numThreads = 1;

export interface Given {
  readonly data: ArrayLike<number>;
  readonly shape: Shape;
  readonly dtype: DType;
}

export type Outputs = Record<string, { data: number[]; shape: readonly number[]; type: string }>;

export interface Running {
  run(inputs: Readonly<Record<string, Given>>): Promise<Outputs>;
  close(): Promise<void>;
}

/** A session of onnxruntime for the bytes of a file. */
export async function load(bytes: Uint8Array): Promise<Running> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  return {
    async run(inputs) {
      const feeds = Object.entries(inputs).map(([name, given]) => [name, tensorOf(given)] as const);
      const made = await session.run(Object.fromEntries(feeds));
      return Object.fromEntries(
        Object.entries(made).map(([name, { data, dims, type }]) => [
          name,
          { data: Array.from(data as ArrayLike<number>, Number), shape: dims, type },
        ]),
      );
    },
    close: () => session.release(),
  };
}

function tensorOf({ data, shape, dtype }: Given): ort.Tensor {
  if (dtype === 'f32') return new ort.Tensor('float32', Float32Array.from(data), shape);
  if (dtype === 'i32') return new ort.Tensor('int32', Int32Array.from(data), shape);
  return new ort.Tensor('bool', Uint8Array.from(data), shape);
}

/** What onnxruntime makes of a graph. */
export async function runOnnx(graph: OnnxGraph, inputs: Readonly<Record<string, Given>>): Promise<Outputs> {
  const running = await load(await encodeOnnx(graph));
  const made = await running.run(inputs);
  await running.close();
  return made;
}

/** How often each op of ONNX stands in a graph. */
export function opsOf({ nodes }: OnnxGraph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

/** The largest difference of two lists. */
export function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} and ${b.length} numbers`);
  let most = 0;
  for (let i = 0; i < a.length; i++)
    most = Math.max(most, Math.abs(a[i] - b[i]) || (Number(a[i] !== b[i]) && Number.NaN));
  return most;
}
