/** Points on three arms of a spiral, with some noise: x and y of each, one after the other, and which arm it is on. */
export function spirals(rows: number, seed: number): { x: Float32Array; y: Int32Array } {
  const x = new Float32Array(2 * rows);
  const y = new Int32Array(rows);
  const random = randomNumbers(seed);
  for (let row = 0; row < rows; row++) {
    const arm = row % 3;
    const radius = random();
    const angle = 4 * radius + (2 * Math.PI * arm) / 3 + 0.3 * (random() - 0.5);
    x.set([radius * Math.cos(angle), radius * Math.sin(angle)], 2 * row);
    y[row] = arm;
  }
  return { x, y };
}

/** Numbers from 0 to 1 that are the same for the same seed: Park and Miller (1988). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}
