import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TURNS = fileURLToPath(new URL('turns.mjs', import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs a script as a command with arguments, all runs of a test file in one process, so that what it imports is loaded
 * once. For what ends at once, such as a wrong use; what hears signals, starts threads or loads files of code wants a
 * process of its own.
 */
export function inTurn(script: string, execArgv: string[] = []): (...args: string[]) => Promise<Ended> {
  let child: ChildProcess | undefined;
  let last: Promise<unknown> = Promise.resolve();
  afterAll(() => child?.kill());
  const answer = (args: string[]) => {
    child ??= fork(TURNS, [script], {
      ...{ cwd: ROOT, execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
      env: { ...process.env, DEBUG: '', FORCE_COLOR: '' },
    });
    return turn(child, args);
  };
  return (...args) => {
    const now = last.then(() => answer(args));
    last = now.catch(() => {});
    return now;
  };
}

function turn(child: ChildProcess, args: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error(`the process of all runs ended at: ${args.join(' ')}`));
    child.once('exit', gone);
    child.once('message', (ended) => {
      child.off('exit', gone);
      resolve(ended as Ended);
    });
    child.send(args);
  });
}
