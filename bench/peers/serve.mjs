// A peer as the benchmark talks to it: a line of JSON on standard input for each request, one on standard output back.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * @typedef {Float32Array | Int32Array} Data
 * @typedef {{ data: Data, shape: number[] }} Values
 * @typedef {{ config: any, tensors: Record<string, Values> }} Task parameters by name, and the batch as x and y
 * @typedef {{
 *   run(steps: number, lr: number): void | Promise<void>,
 *   value(): number | Promise<number>,
 * }} Runner `run` returns when all steps are done; `value` is the loss that the last of them saw
 */

/** @param {(task: Task) => Runner | Promise<Runner>} open */
export async function serve(open) {
  /** @type {Runner | undefined} */
  let runner;
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (request.task) {
      runner = await open(read(request.task));
      reply({ ready: true });
    } else if (request.steps) {
      const began = performance.now();
      await runner.run(request.steps, request.lr);
      reply({ ms: performance.now() - began });
    } else {
      reply({ value: await runner.value() });
    }
  }
  process.exit();
}

/** @returns {Task} */
function read({ config, file, tensors }) {
  const { buffer, byteOffset } = readFileSync(file);
  const values = tensors.map(({ name, dtype, shape, offset }) => {
    const length = shape.reduce((a, b) => a * b, 1);
    const bytes = buffer.slice(byteOffset + offset, byteOffset + offset + 4 * length);
    return [name, { data: dtype === 'i32' ? new Int32Array(bytes) : new Float32Array(bytes), shape }];
  });
  return { config, tensors: Object.fromEntries(values) };
}

function reply(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Sum of squares: what products are compared by. @param {ArrayLike<number>} values */
export function sumOfSquares(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return sum;
}
