import pc from 'picocolors';

/** Where a command's words go: with --json standard output is left to the machine. */
export class Output {
  private readonly stream: NodeJS.WriteStream;
  readonly colors: ReturnType<typeof pc.createColors>;

  constructor(readonly json: boolean) {
    this.stream = json ? process.stderr : process.stdout;
    this.colors = pc.createColors(this.stream.isTTY === true && pc.isColorSupported);
  }

  line(text = ''): void {
    this.stream.write(`${text}\n`);
  }

  /** The last line of standard output, if a machine reads it. */
  result(value: Record<string, unknown>): void {
    if (this.json) process.stdout.write(`${JSON.stringify(value)}\n`);
  }
}

/** A reader that goes away early (`| head`) is no error; what is still to be written is dropped. */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

export const count = (n: number): string => Math.round(n).toLocaleString('en-US');
export const plural = (n: number, noun: string): string => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

/** 0.8 s, 12 s, 3 min 20 s, 1 h 5 min. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}

/** Steps a second, with more digits when there are few. */
export const rate = (perSecond: number): string => (perSecond < 10 ? perSecond.toFixed(1) : count(perSecond));

/** Four decimals, or fewer digits of a loss that has run away. */
export const lossText = (loss: number): string =>
  Math.abs(loss) < 1e6 ? loss.toFixed(4) : loss.toPrecision(4);
