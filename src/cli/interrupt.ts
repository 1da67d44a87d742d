import { constants } from 'node:os';
import { runInNewContext } from 'node:vm';
import { waitsForPipe } from '../data/read.js';
import { note } from './output.js';

/** As a shell has them: 128 and the signal's number. SIGBREAK is that of Windows; SIGHUP comes when a terminal closes. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGBREAK: 149 } as const;
export type Signal = keyof typeof EXIT_CODES;
const SIGNALS = (Object.keys(EXIT_CODES) as Signal[]).filter((name) => name in constants.signals);

/** Of the command that runs; commands that save nothing have none. */
let current: Interrupt | null = null;

/** What asks a command to end: the first signal asks a running training to stop, the second ends the process at once. */
export class Interrupt {
  private readonly controller = new AbortController();
  private held = false;
  private since = 0;
  /** What came first; null as long as nothing did. */
  received: Signal | null = null;
  private readonly listener = (name: Signal) => this.receive(name);

  /**
   * @param announce what the user is told on the first signal; null: nothing, since another process tells it
   * @param leave runs just before a signal ends the process
   */
  constructor(
    private readonly announce: string | null,
    private readonly leave: (signal: Signal) => void = () => {},
  ) {
    for (const name of SIGNALS) process.on(name, this.listener);
    current = this;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The exit code that the signal asks for; 0 as long as none came. */
  get exitCode(): number {
    return this.received ? EXIT_CODES[this.received] : 0;
  }

  /** Until this is called there is nothing to save, and the first signal ends the process. */
  hold(): void {
    this.held = true;
  }

  /** From now on everything is saved, and a signal ends the process. */
  release(): void {
    this.held = false;
  }

  /**
   * Runs what holds the thread. While there is nothing to save Ctrl-C ends the process all the same: V8 gives up the computation.
   * Other signals do what they do where nobody listens.
   */
  around<T>(work: () => T): T {
    if (this.held) return work();
    const others = SIGNALS.filter((name) => name !== 'SIGINT');
    for (const name of others) process.removeListener(name, this.listener);
    try {
      return runInNewContext('work()', { work }, { breakOnSigint: true, displayErrors: false }) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException)?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED')
        this.receive('SIGINT');
      throw error;
    } finally {
      for (const name of others) process.on(name, this.listener);
    }
  }

  private receive(name: Signal): void {
    // npm passes on the Ctrl-C that the terminal has already sent to everyone: that is one, not two.
    if (this.received && performance.now() - this.since < 300) return;
    if (!this.held || this.received) {
      this.leave(name);
      if (waitsForPipe()) process.removeAllListeners(name).kill(process.pid, name);
      process.exit(EXIT_CODES[name]);
    }
    this.received = name;
    this.since = performance.now();
    this.controller.abort();
    if (this.announce === null) return;
    // A terminal has written ^C into the line.
    note();
    note(this.announce);
  }
}

/** As `around` of the command that runs: what holds the thread for long, such as a trace or the compiler, is to be run by it. */
export function answering<T>(work: () => T): T {
  return current ? current.around(work) : work();
}

/** Lets signals and timers have their turn between two long computations. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
