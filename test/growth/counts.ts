import { Session } from 'node:inspector/promises';

// Prints how often each part of the compiler runs for a model and for one twice as deep, as V8 counts it. To be run with
// --no-opt, since optimized code does not count. What is counted must be loaded after the counting has begun.
//
//   node --no-opt --no-lazy-feedback-allocation --import tsx test/growth/counts.ts KIND DEPTH

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

const { deepModels } = await import('../../bench/deep.js');
const { emitModule } = await import('../../src/emit/module.js');
const { optimize } = await import('../../src/optimize/index.js');
const { planMemory } = await import('../../src/plan/plan.js');
const { scheduleAll } = await import('../../src/schedule/schedule.js');

/** How often each function and each block of it runs, by file, function and place. */
async function countsFor(name: string): Promise<Map<string, number>> {
  const [{ trace }] = deepModels([name]);
  const { entries, variables } = trace();
  await session.post('Profiler.takePreciseCoverage');
  // The search for a low peak has a budget instead.
  const graphs = Object.entries(entries).map(([entry, graph]) => [entry, optimize(graph)]);
  // A small cache has what is large at both depths passed tile by tile.
  const options = { without: ['lower-peak'], cacheBytes: 2 ** 16 };
  const schedules = scheduleAll(Object.fromEntries(graphs), options);
  emitModule(name, schedules, planMemory(schedules, variables));
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const counts = new Map<string, number>();
  for (const { url, functions } of result) {
    const file = url.split('/src/')[1];
    for (const { functionName, ranges } of file ? functions : [])
      for (const { startOffset, endOffset, count } of ranges)
        counts.set(`${file} ${functionName} ${startOffset}-${endOffset}`, count);
  }
  return counts;
}

const [kind, depth] = process.argv.slice(2);
await countsFor(`${kind}-2`);
const once = await countsFor(`${kind}-${depth}`);
const twice = await countsFor(`${kind}-${2 * Number(depth)}`);
const list = [...twice].map(([part, count]) => ({ part, once: once.get(part) ?? 0, twice: count }));
process.stdout.write(JSON.stringify(list));
