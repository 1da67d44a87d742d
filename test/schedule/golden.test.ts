import { describe, expect, it } from 'vitest';
import { buildGolden } from '../../bench/golden/model.js';
import { isBare, select } from '../../bench/workloads.js';
import { emitModule } from '../../src/emit/module.js';
import { optimize } from '../../src/optimize/index.js';
import { planMemory } from '../../src/plan/plan.js';
import { printSchedule } from '../../src/schedule/print.js';
import { schedule } from '../../src/schedule/schedule.js';

// What the compiler makes of the measured models, as text: a change shows what it changes. `npx vitest run
// test/schedule -u` writes the files anew, to be read before they are committed.
describe('the schedule of a training step', () => {
  it.each(['W1', 'W2', 'W3', 'W3-direct', 'W4'])('of %s', async (name) => {
    const [{ config }] = select([name]).filter((w) => w.name === name);
    if (isBare(config)) throw new Error('a product has no step');
    const { program } = buildGolden(config).step;
    const train = schedule(optimize(program.entries.train));
    const plan = planMemory({ train }, program.variables);
    const { text } = emitModule(name, { train }, plan);
    const step = /^function step0\(\).*?^}$/ms.exec(text)![0];
    const lines = printSchedule(train).replaceAll(/ \(\w+\.ts:\d+\)/g, '');
    await expect(`${lines}\n${step}\n`).toMatchFileSnapshot(`golden/${name}.txt`);
  });
});
