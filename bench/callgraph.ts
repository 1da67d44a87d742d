import { Command, InvalidArgumentError } from 'commander';
import { costOf } from '../src/schedule/cost.js';
import { buildGolden } from './golden/model.js';
import { workloads } from './workloads.js';

// Where a training step spends its time: kernel by kernel, as they run in the step.

const { only, milliseconds, relaxed, threads } = new Command('callgraph')
  .description('Prints the time of each kernel of a training step.')
  .option('--only <names>', `workloads, of ${Object.keys(workloads).join(', ')}`, (text) => text.split(','))
  .option('--milliseconds <n>', 'how long to measure each', Number, 2000)
  .option('--relaxed', 'with fused multiply-add')
  .option('--threads <n>', 'threads', Number, 1)
  .parse()
  .opts<{ only?: string[]; milliseconds: number; relaxed?: boolean; threads: number }>();
if (!(milliseconds > 0)) throw new InvalidArgumentError('--milliseconds: expected a number above 0');

for (const [name, config] of Object.entries(workloads)) {
  if (only && !only.includes(name)) continue;
  const { step, batch } = buildGolden(config);
  const module = await step.compileModule({ profile: true, relaxed });
  const kernels = module.source.functions.filter((f) => f.entry === 'train');
  const times = kernels.map(() => 0);
  let [last, steps, between] = [0, 0, 0];
  const mark = (kernel: number) => {
    const now = performance.now();
    if (kernel >= 0) times[kernel] += now - last;
    else if (last) {
      between += now - last;
      steps++;
    }
    last = performance.now();
  };
  const session = await step.start(module, { mark, threads });
  session.data(batch(0));
  const run = async (n: number) => {
    for await (const _ of session.run({ steps: n, lr: 0.001, every: n }));
  };
  const began = performance.now();
  let warm = 0;
  for (let n = 4; performance.now() - began < milliseconds / 2; n = Math.min(2 * n, 2048)) {
    await run(n);
    warm += n;
  }
  times.fill(0);
  [last, steps, between] = [0, 0, 0];
  const count = Math.max(4, warm);
  await run(count);
  const total = times.reduce((a, b) => a + b, 0);
  console.log(
    `${name}: ${((1000 * total) / steps).toFixed(1)} us in kernels, ${((1000 * between) / steps).toFixed(1)} us between steps (${steps} steps)`,
  );
  kernels.forEach(({ kernel }, i) => {
    const us = (1000 * times[i]) / steps;
    const { flops, bytes } = costOf(kernel);
    const shown = [
      `${us.toFixed(2)} us`.padStart(12),
      `${((100 * times[i]) / total).toFixed(1)} %`.padStart(7),
      `${(flops / us / 1000).toFixed(1)} GFLOP/s`.padStart(13),
      `${(bytes / us / 1000).toFixed(1)} GB/s`.padStart(11),
    ];
    console.log(`${shown.join(' ')}  ${i} ${kernel.name}`);
  });
  await session.close();
}
