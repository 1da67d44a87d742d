import { median } from '../../src/cli/rounds.js';
import { select } from '../workloads.js';
import { startMeasuring } from './measure.js';
import type { Opened } from './open.js';

export interface CompareOptions {
  only: readonly string[];
  rounds: number;
  threads: number;
  /** Of a round. */
  seconds: number;
}

export interface Compared {
  name: string;
  /** Steps a second. */
  chromium: number;
  node: number;
  ratio: number;
}

/** Steps a second of workloads in a page and in Node, in turns; each page and each process is warm before it is measured. */
export async function compare(
  opened: Opened,
  { only, rounds, threads, seconds }: CompareOptions,
): Promise<Compared[]> {
  console.log(
    `Steps a second, medians of ${rounds} rounds, ${threads} thread(s), Chromium ${opened.version}, Node ${process.version}`,
  );
  const results: Compared[] = [];
  for (const { name } of select(only)) {
    const options = { workload: name, threads, seconds };
    const page = await opened.page();
    const inNode = await startMeasuring(options);
    await page.ask('start', options);
    const speeds: { chromium: number[]; node: number[] } = { chromium: [], node: [] };
    for (let round = 0; round < rounds; round++) {
      speeds.node.push(await inNode.take());
      speeds.chromium.push(await page.ask('take', options));
    }
    await inNode.close();
    await page.close();
    const [chromium, node] = [median(speeds.chromium), median(speeds.node)];
    results.push({ name, chromium, node, ratio: chromium / node });
    const ms = (1000 / chromium).toPrecision(3);
    const format = (speed: number) => Number(speed.toPrecision(4)).toLocaleString('en-US').padStart(9);
    console.log(
      `${name.padEnd(10)} Chromium ${format(chromium)}  Node ${format(node)}  ${(chromium / node).toFixed(2)}x  ${ms} ms a step`,
    );
  }
  return results;
}
