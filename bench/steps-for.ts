/** Takes steps for so many milliseconds, as many at a time as a second holds, and no more than are left. */
export async function stepsFor(
  ms: number,
  take: (steps: number) => Promise<void>,
): Promise<{ steps: number; seconds: number }> {
  const began = performance.now();
  let [taken, steps] = [0, 1];
  for (let left = ms; left > 0; left = ms - (performance.now() - began)) {
    await take(steps);
    taken += steps;
    const took = performance.now() - began;
    steps = Math.max(1, Math.round((taken / took) * Math.min(1000, ms - took)));
  }
  return { steps: taken, seconds: (performance.now() - began) / 1000 };
}
