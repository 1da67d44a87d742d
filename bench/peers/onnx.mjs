// Matrix products in onnxruntime-web, on one thread. Its runs copy their inputs in and their output out.
import * as ort from 'onnxruntime-web/wasm';
import protobuf from 'protobufjs/minimal.js';
import { serve, sumOfSquares } from './serve.mjs';

ort.env.wasm.numThreads = 1;

await serve(async ({ config: { m, n, k }, tensors: { a, b } }) => {
  const session = await ort.InferenceSession.create(model(m, n, k));
  const inputs = { a: new ort.Tensor(a.data, a.shape), b: new ort.Tensor(b.data, b.shape) };
  let c;
  return {
    async run(steps) {
      for (let i = 0; i < steps; i++) ({ c } = await session.run(inputs));
    },
    value: () => sumOfSquares(c.data),
  };
});

/** An ONNX file with the one node c = MatMul(a, b). The numbers are those of onnx.proto. */
function model(m, n, k) {
  const writer = protobuf.Writer.create();
  const message = (field, write) => {
    writer.uint32((field << 3) | 2).fork();
    write();
    writer.ldelim();
  };
  const text = (field, value) => writer.uint32((field << 3) | 2).string(value);
  const number = (field, value) => writer.uint32(field << 3).int64(value);
  const value = (field, name, shape) =>
    message(field, () => {
      text(1, name);
      message(2, () =>
        message(1, () => {
          const FLOAT = 1;
          number(1, FLOAT);
          message(2, () => {
            for (const size of shape) message(1, () => number(1, size));
          });
        }),
      );
    });
  number(1, 8); // IR version
  message(7, () => {
    message(1, () => {
      text(1, 'a');
      text(1, 'b');
      text(2, 'c');
      text(4, 'MatMul');
    });
    text(2, 'product');
    value(11, 'a', [m, k]);
    value(11, 'b', [k, n]);
    value(12, 'c', [m, n]);
  });
  message(8, () => number(2, 17)); // operator set
  return writer.finish();
}
