import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const PATIENCE_MS = 120_000;

/** A program with its output. */
export interface Started {
  readonly child: ChildProcess;
  /** Both streams, so far. */
  output(): string;
  /** Ends it with all that it has started. */
  stop(): Promise<void>;
}

export function start(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: object } = {},
): Started {
  const env = { ...process.env, ...options.env };
  // A group of its own, since browsers are many processes.
  const child = spawn(command, args, {
    cwd: options.cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data));
  const ended = once(child, 'close').catch(() => {});
  return {
    child,
    output: () => text,
    async stop() {
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // It has ended.
      }
      await ended;
    },
  };
}

/** Runs a program to its end and returns what it printed; throws with that if it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: object } = {},
) {
  const started = start(command, args, options);
  try {
    const [code] = await within(once(started.child, 'close'), started);
    if (code !== 0)
      throw new Error(`exit code ${code}: ${started.output().trim().split('\n').slice(-3).join(' ')}`);
    return started.output();
  } finally {
    await started.stop();
  }
}

/** What is promised, or an error with what the program said, if it takes too long. */
export async function within<T>(promise: Promise<T>, { output }: Started): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer in ${PATIENCE_MS / 1000} s: ${output().trim().slice(-300)}`)),
      PATIENCE_MS,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
