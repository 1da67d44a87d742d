// Backpropagation, one number at a time. Writes chain.svg, neuron.svg and loss.svg beside this file.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { compileFunction, MLP, traceValue, Value } from '2headgrad';
import { lineChart, valueGraph } from '2headgrad/report';

const folder = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));
await mkdir(folder, { recursive: true });
const named = (label: string, value: Value) => Object.assign(value, { label });

// 1. A formula, and what every number in it does to the result.
const [a, b, c, f] = [new Value(2, 'a'), new Value(-3, 'b'), new Value(10, 'c'), new Value(-2, 'f')];
const e = named('e', a.mul(b));
const d = named('d', e.add(c));
const L = named('L', d.mul(f));
L.backward();
console.log(`L = (a b + c) f = ${L.data}`);
for (const value of [a, b, c, f]) console.log(`dL/d${value.label} = ${value.grad}`);
await writeFile(`${folder}/chain.svg`, await valueGraph(L));

// 2. A value that is used twice gets the sum of both ways.
const x = new Value(3, 'x');
x.mul(x).add(x).backward();
console.log(`\nd(x x + x)/dx at 3 = ${x.grad}`);

// 3. A neuron.
const [x1, x2, w1, w2] = [new Value(2, 'x1'), new Value(0, 'x2'), new Value(-3, 'w1'), new Value(1, 'w2')];
const sum = named('n', x1.mul(w1).add(x2.mul(w2)).add(new Value(6.8813735870195432, 'b')));
const o = named('o', sum.tanh());
o.backward();
console.log(`\no = tanh(x1 w1 + x2 w2 + b) = ${o.data.toFixed(4)}`);
for (const value of [x1, w1, x2, w2]) console.log(`do/d${value.label} = ${value.grad.toFixed(4)}`);
await writeFile(`${folder}/neuron.svg`, await valueGraph(o));

// 4. A network of such neurons learns four examples.
const examples = [
  { x: [2, 3, -1], y: 1 },
  { x: [3, -1, 0.5], y: -1 },
  { x: [0.5, 1, 1], y: -1 },
  { x: [1, 1, -1], y: 1 },
];
const mlp = new MLP(3, [4, 4, 1], { seed: 42 });
const predict = () => examples.map(({ x }) => mlp.forward(x)[0]);
const lossNow = () =>
  predict()
    .map((p, i) => p.sub(examples[i].y).pow(2))
    .reduce((a, b) => a.add(b));
console.log(`\nMLP(3, [4, 4, 1]): ${mlp.parameters().length} parameters`);
const losses: { x: number; y: number }[] = [];
for (let step = 0; step <= 100; step++) {
  const loss = lossNow();
  losses.push({ x: step, y: loss.data });
  if (step % 20 === 0) console.log(`step ${String(step).padStart(3)}  loss ${loss.data.toFixed(4)}`);
  mlp.zeroGrad();
  loss.backward();
  mlp.step(0.1);
}
console.log(
  'predictions',
  predict()
    .map((p) => p.data.toFixed(2))
    .join(' '),
  ' targets',
  examples.map(({ y }) => y).join(' '),
);
const title = 'Four examples, learned one number at a time';
await writeFile(
  `${folder}/loss.svg`,
  lineChart({
    title,
    x: 'step',
    y: 'loss',
    log: 'y',
    series: [{ label: 'squared error, summed', points: losses }],
  }),
);

// 5. The same graph, compiled: the leaves are the inputs of a WebAssembly function.
const one = mlp.forward(examples[0].x)[0].sub(examples[0].y).pow(2);
mlp.zeroGrad();
one.backward();
const traced = traceValue(one);
const compiled = await compileFunction(traced.graph);
const outputs = compiled.call(traced.inputs());
const furthest = Math.max(
  ...mlp.parameters().map((p) => Math.abs(outputs[`gradient.${p.label}`][0] - p.grad)),
);
console.log(
  `\ncompiled: ${traced.leaves.size} inputs, loss ${outputs.value[0].toExponential(4)}, by values ${one.data.toExponential(4)}`,
);
console.log(`gradients differ by less than 1e-7: ${furthest < 1e-7}`);
await compiled.close();
