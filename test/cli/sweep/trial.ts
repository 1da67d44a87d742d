import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What the process of a training answers to an order. */
export async function answerTo(order: { task: string; options: object; sources?: string }): Promise<unknown> {
  const child = fork(fileURLToPath(new URL('../../../dist/cli/sweep/trial.js', import.meta.url)));
  child.send({ ...order, parent: process.pid, grace: 1000 });
  const [answer] = await once(child, 'message');
  return answer;
}
