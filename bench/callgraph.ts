import { costOf } from '../src/kernels/cost.js';
import { buildGolden, writeInitial } from './golden/model.js';
import { measuredRate } from './ours.js';
import { isBare, type Workload } from './workloads.js';

/** Where a training step spends its time: a line for each kernel, in the order in which they run. */
export async function callgraph(
  { name, config }: Workload,
  options: { threads: number; milliseconds: number; relaxed?: boolean },
): Promise<string[]> {
  if (isBare(config)) return [`${name} is one kernel`];
  const { threads, milliseconds, relaxed } = options;
  const run = buildGolden(config);
  const { step, batch, learningRate } = run;
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
  writeInitial(run, session);
  session.data(batch(0));
  const take = async (n: number) => {
    for await (const _ of session.run({ steps: n, lr: measuredRate(learningRate), every: n }));
  };
  const began = performance.now();
  let warm = 0;
  for (let n = 4; performance.now() - began < milliseconds / 2; n = Math.min(2 * n, 2048)) {
    await take(n);
    warm += n;
  }
  times.fill(0);
  [last, steps, between] = [0, 0, 0];
  await take(Math.max(4, warm));
  await session.close();
  const total = times.reduce((a, b) => a + b, 0);
  const micro = (ms: number) => ((1000 * ms) / steps).toFixed(2);
  const lines = kernels.map(({ kernel, loops }, i) => {
    const turns = loops.reduce((n, { length }) => n * length, 1);
    const us = (1000 * times[i]) / steps;
    const { flops, bytes } = costOf(kernel);
    const shown = [
      `${us.toFixed(2)} us`.padStart(12),
      `${((100 * times[i]) / total).toFixed(1)} %`.padStart(7),
      `${((turns * flops) / us / 1000).toFixed(1)} GFLOP/s`.padStart(13),
      `${((turns * bytes) / us / 1000).toFixed(1)} GB/s`.padStart(11),
    ];
    return `${shown.join(' ')}  ${i} ${kernel.name}${turns > 1 ? `, ${turns} times` : ''}`;
  });
  return [
    `${name}: ${micro(total)} us a step in kernels, ${micro(between)} us between (${steps} steps, ${threads} thread${threads > 1 ? 's' : ''})`,
    ...lines,
  ];
}
