import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  AttributeProtoSchema,
  GraphProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { DataError, OptionError } from '../errors.js';
import type { OnnxAttribute, OnnxType } from '../ops/onnx.js';
import { numel } from '../shape.js';
import {
  IR_VERSION,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
  OPSET,
} from './model.js';
import { DATA_TYPES, isGraph } from './writer.js';

// The file format is that of onnx-buf, which few want, so it is loaded when it is needed.

const MISSING = 'ONNX files need two packages: npm install onnx-buf @bufbuild/protobuf';

/** A message of protobuf has less than 2 GiB. */
const MOST_BYTES = 2 ** 31 - 2 ** 20;

/** A model as the bytes of an ONNX file. */
export async function encodeOnnx(graph: OnnxGraph, load = packages): Promise<Uint8Array> {
  const bytes = graph.tensors.reduce((n, { shape }) => n + 4 * numel(shape), 0);
  if (bytes > MOST_BYTES)
    throw new OptionError(
      `toOnnx: the weights of ${graph.name} are ${bytes} bytes, and an ONNX file can hold ${MOST_BYTES}: write a smaller model`,
    );
  const { create, ModelProtoSchema, toBinary } = await load().catch(orMissing);
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    opsetImport: [{ domain: '', version: BigInt(OPSET) }],
    producerName: '2headgrad',
    graph: graphOf(graph),
  });
  return toBinary(ModelProtoSchema, model);
}

async function packages() {
  const [{ create, toBinary }, { ModelProtoSchema }] = await Promise.all([
    import('@bufbuild/protobuf'),
    import('onnx-buf'),
  ]);
  return { create, toBinary, ModelProtoSchema };
}

function orMissing(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  throw new DataError(MISSING);
}

function graphOf({
  name,
  inputs,
  outputs,
  tensors,
  nodes,
}: OnnxGraph): MessageInitShape<typeof GraphProtoSchema> {
  return {
    name,
    input: inputs.map(typedValue),
    output: outputs.map(typedValue),
    initializer: tensors.map(tensorOf),
    node: nodes.map(nodeOf),
  };
}

function nodeOf({ op, inputs, outputs, attributes, where }: OnnxNode) {
  return {
    // Names of nodes have to differ, and so do those of their results.
    name: outputs[0],
    opType: op,
    input: [...inputs],
    output: [...outputs],
    docString: where,
    attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
  };
}

/** Numbers of AttributeProto.AttributeType. */
const KINDS = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const;

function attributeOf(name: string, value: OnnxAttribute): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'number') return { name, type: KINDS.int, i: BigInt(value) };
  if (typeof value === 'string') return { name, type: KINDS.string, s: new TextEncoder().encode(value) };
  if (isGraph(value)) return { name, type: KINDS.graph, g: graphOf(value.body as OnnxGraph) };
  if ('float' in value) return { name, type: KINDS.float, f: value.float };
  return { name, type: KINDS.ints, ints: value.map(BigInt) };
}

function typedValue({ name, type, shape }: OnnxValue): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape.map((n) =>
    typeof n === 'string'
      ? { value: { case: 'dimParam' as const, value: n } }
      : { value: { case: 'dimValue' as const, value: BigInt(n) } },
  );
  const tensor = { elemType: DATA_TYPES[type], shape: { dim } };
  return { name, type: { value: { case: 'tensorType', value: tensor } } };
}

function tensorOf({ name, type, shape, data }: OnnxTensor): MessageInitShape<typeof TensorProtoSchema> {
  return { name, dataType: DATA_TYPES[type], dims: shape.map(BigInt), rawData: bytesOf(type, data) };
}

/** Elements as a file has them: little-endian. */
function bytesOf(type: OnnxType, data: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const width = { f32: 4, i32: 4, bool: 1, i64: 8, u64: 8 }[type];
  const bytes = new Uint8Array(width * data.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i++) {
    const at = width * i;
    if (type === 'f32') view.setFloat32(at, data[i], true);
    else if (type === 'i32') view.setInt32(at, data[i], true);
    else if (type === 'bool') bytes[at] = data[i] ? 1 : 0;
    else if (type === 'i64') view.setBigInt64(at, BigInt(data[i]), true);
    else view.setBigUint64(at, BigInt(data[i]), true);
  }
  return bytes;
}
