// The page: what the trained model takes each point of the plane for. The model was compiled when the page was built.

import { step } from './model.grad.ts';

const SIZE = 240;
/** The plane goes from -EDGE to EDGE. */
const EDGE = 1.2;
const COLORS = [
  [29, 95, 168],
  [196, 80, 27],
  [27, 158, 143],
] as const;

const canvas = document.querySelector<HTMLCanvasElement>('#plane')!;
const status = document.querySelector('#status')!;

/** The x and y of the middle of each pixel, row by row. */
function points(): Float32Array {
  const place = (pixel: number) => ((2 * pixel + 1) / SIZE - 1) * EDGE;
  const x = new Float32Array(2 * SIZE * SIZE);
  for (let row = 0; row < SIZE; row++)
    for (let column = 0; column < SIZE; column++)
      x.set([place(column), -place(row)], 2 * (row * SIZE + column));
  return x;
}

/** Draws three probabilities for each pixel as a mixture of three colors. */
function draw(probabilities: ArrayLike<number>): void {
  const image = new ImageData(SIZE, SIZE);
  for (let pixel = 0; pixel < SIZE * SIZE; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      let sum = 0;
      for (let arm = 0; arm < 3; arm++) sum += probabilities[3 * pixel + arm]! * COLORS[arm]![channel]!;
      image.data[4 * pixel + channel] = sum;
    }
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}

const session = await step.compile();
const weights = await fetch('weights.safetensors');
// A server for development may answer with a page where there is no file.
const isTrained = weights.ok && !weights.headers.get('content-type')?.includes('html');
if (isTrained) session.restore(await weights.arrayBuffer());
const probabilities = session.predict({ x: points() });
draw(probabilities);
status.textContent = isTrained
  ? 'Point at the picture.'
  : 'Not trained yet: npm run train, then load this page again.';

canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => {
  const column = Math.min(SIZE - 1, Math.max(0, Math.floor((offsetX / canvas.clientWidth) * SIZE)));
  const row = Math.min(SIZE - 1, Math.max(0, Math.floor((offsetY / canvas.clientHeight) * SIZE)));
  const start = 3 * (row * SIZE + column);
  const shares = Array.from({ length: 3 }, (_, arm) => `${(100 * probabilities[start + arm]!).toFixed(0)} %`);
  status.textContent = `Arm 1, 2, 3: ${shares.join(', ')}`;
});
