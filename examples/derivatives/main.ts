// Derivatives three ways: a small step, a step to both sides, and reverse mode. Writes parabola.svg and errors.svg beside this file.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { derivative, grad, partialDerivative, stepErrors, type Tensor, valueAndGrad } from '2headgrad';
import { lineChart } from '2headgrad/report';

const folder = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));

// The same function of a number and of a tensor.
const f = (x: number) => 3 * x * x;
const onTensors = (x: Tensor) => x.mul(x).mul(3);

console.log('f(x) = 3x^2 at x = 3');
console.log('f(3)                       ', f(3));
console.log('(f(3 + h) - f(3)) / h      ', derivative(f, 3, { method: 'forward', h: 0.00001 }));
console.log('(f(3 + h) - f(3 - h)) / 2h ', derivative(f, 3, { method: 'central', h: 0.00001 }));
const [value, slope] = valueAndGrad(onTensors)(3);
console.log('valueAndGrad(f)(3)         ', value, slope);
console.log('grad(grad(f))(3)           ', grad(grad(onTensors))(3));

console.log('\nBlindfolded at x = 3, where the slope is 18');
console.log('step     the slope promises   f really changes by');
for (const step of [1, 0.1, 0.01, -0.1, -1]) {
  const cells = [step, slope * step, f(3 + step) - f(3)].map((x) => String(Number(x.toFixed(6))));
  console.log(cells[0].padEnd(9) + cells[1].padEnd(21) + cells[2]);
}

console.log('\nDown by touch: each step is a tenth of the slope, against it');
console.log('x      slope   f(x)');
for (let [x, steps] = [3, 0]; steps < 6; steps++) {
  const under = grad(onTensors)(x);
  console.log(x.toFixed(3).padEnd(7) + under.toFixed(2).padEnd(8) + f(x).toFixed(3));
  x -= 0.1 * under;
}

console.log('\nf(x, y) = x^2 + y^2 at (3, 4)');
const g = (x: number, y: number) => x * x + y * y;
console.log('y frozen, x moved          ', partialDerivative(g, [3, 4], 0).toFixed(6));
console.log('x frozen, y moved          ', partialDerivative(g, [3, 4], 1).toFixed(6));
const both = grad((x: Tensor, y: Tensor) => x.square().add(y.square()), { argnums: [0, 1] });
console.log('grad, both at once         ', both(3, 4));

console.log('\nHow far x^3 at 3.3 is from its derivative 3 * 3.3^2 = 32.67, for steps h');
const cube = (x: number) => x * x * x;
const errors = (method: 'forward' | 'central', steps?: number[]) =>
  stepErrors(cube, 3.3, 3 * 3.3 * 3.3, { method, steps });
const steps = [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-14];
const [forward, central] = [errors('forward', steps), errors('central', steps)];
console.log('h       forward  central');
steps.forEach((h, i) => {
  const cells = [h, forward[i].error, central[i].error];
  console.log(
    cells
      .map((x, k) => x.toExponential(k && 1).padEnd(k ? 9 : 8))
      .join('')
      .trimEnd(),
  );
});

const points = (method: 'forward' | 'central') => errors(method).map(({ h, error }) => ({ x: h, y: error }));
const guide = (label: string, from: number, to: number, y: (h: number) => number) => ({
  label,
  points: [from, to].map((h) => ({ x: h, y: y(h) })),
});
const svg = lineChart({
  title: 'The error of a difference quotient, for x³ at 3.3',
  x: 'step h',
  y: 'error',
  log: 'xy',
  series: [
    { label: '(f(x + h) − f(x)) / h', points: points('forward'), dots: true },
    { label: '(f(x + h) − f(x − h)) / 2h', points: points('central'), dots: true },
  ],
  guides: [
    // The first terms that Taylor's series leaves over, and the rounding of f, which the division by h enlarges.
    guide('f″(x) / 2 · h', 1e-5, 1, (h) => ((6 * 3.3) / 2) * h),
    guide('f‴(x) / 6 · h²', 1e-3, 1, (h) => (6 / 6) * h * h),
    guide('ε f(x) / h', 2e-15, 2e-5, (h) => (Number.EPSILON * cube(3.3)) / h),
  ],
});
await mkdir(folder, { recursive: true });
await writeFile(`${folder}/errors.svg`, svg);

const tangent = (x: number) => f(3) + slope * (x - 3);
const along = (from: number, to: number, y: (x: number) => number) =>
  Array.from({ length: 101 }, (_, i) => from + ((to - from) * i) / 100).map((x) => ({ x, y: y(x) }));
const parabola = lineChart({
  title: 'Blindfolded on the parabola 3x², at x = 3',
  x: 'x',
  y: 'height',
  series: [
    { label: 'f(x) = 3x²', points: along(-1, 4.5, f) },
    { label: 'the tangent, 27 + 18 (x − 3)', points: along(1.5, 4.5, tangent) },
    { label: 'where you stand', points: [{ x: 3, y: f(3) }] },
    {
      label: 'a step of 1: 45 promised, 48 found',
      points: [tangent, f].map((y) => ({ x: 4, y: y(4) })),
      dots: true,
    },
  ],
});
await writeFile(`${folder}/parabola.svg`, parabola);
