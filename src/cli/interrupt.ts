const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Ctrl-C and SIGTERM: the first asks a running training to stop, the second ends the process at once. */
export class Interrupt {
  private readonly controller = new AbortController();
  private held = false;
  private since = 0;
  /** The exit code that the signal asks for; 0 as long as none came. */
  exitCode = 0;

  constructor(private readonly announce: () => void) {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => this.receive(EXIT_CODES[name]));
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Until this is called there is nothing to save, and the first signal ends the process. */
  hold(): void {
    this.held = true;
  }

  /** From now on everything is saved, and a signal ends the process. */
  release(): void {
    this.held = false;
  }

  private receive(code: number): void {
    // npm passes on the Ctrl-C that the terminal has already sent to everyone: that is one, not two.
    if (this.exitCode && performance.now() - this.since < 300) return;
    if (!this.held || this.exitCode) process.exit(code);
    this.exitCode = code;
    this.since = performance.now();
    this.controller.abort();
    this.announce();
  }
}

/** Lets signals and timers have their turn between two long computations. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
