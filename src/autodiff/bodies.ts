import type { Graph } from '../graph/graph.js';
import { replay } from '../graph/replay.js';
import { add } from '../ops/elementwise.js';
import type { Bodies } from '../ops/op.js';
import { type Tensor, withInterpreter } from '../ops/tensor.js';
import { Tracer } from '../trace/tracer.js';
import { sweep } from './gradients.js';

/** How a VJP makes the graph that runs backwards over the graph of an attribute. */
export const bodies: Bodies = {
  trace(name, inputs, f) {
    const tracer = new Tracer(name, true);
    const symbols = Object.entries(inputs).map(([key, type]) => [key, tracer.input(key, type)] as const);
    return withInterpreter(tracer, () => tracer.finish(f(Object.fromEntries(symbols))));
  },
  replay: (body, inputs) => replay(body as Graph, inputs),
  pull(outputs, from, wrt, before) {
    const cotangents = new Map<Tensor, Tensor>();
    wrt.forEach((tensor, i) => {
      const already = before[i];
      if (already) cotangents.set(tensor, already);
    });
    outputs.forEach((tensor, i) => {
      const already = cotangents.get(tensor);
      cotangents.set(tensor, already ? add(already, from[i]) : from[i]);
    });
    sweep(outputs, wrt, cotangents, true);
    return wrt.map((tensor) => cotangents.get(tensor) ?? null);
  },
};
