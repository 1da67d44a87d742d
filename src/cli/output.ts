import { randomUUID } from 'node:crypto';
import pc from 'picocolors';
import { reason } from '../data/files.js';
import { DataError } from '../errors.js';
import { printable, printableJson, printableLines } from '../printable.js';

/** Stands for ESC until a line is printed, and cannot be guessed: text that is coloured may hold anything. */
const ESCAPE = `\ue000${randomUUID()}\ue000`;

/** Where a command's words go: with --json standard output is left to the machine. */
export class Output {
  private readonly stream: NodeJS.WriteStream;
  readonly colors: ReturnType<typeof pc.createColors>;

  /** `quiet`: nothing is printed, since another process of the training prints the same. */
  constructor(
    readonly json: boolean,
    private readonly quiet = false,
  ) {
    this.stream = json ? process.stderr : process.stdout;
    this.colors = coloursOf(this.stream.isTTY === true && pc.isColorSupported);
  }

  /** Prints one line. Whatever is in the text, it stays one line, and nothing but our own colours reaches a terminal as a command. */
  line(text = ''): void {
    if (this.quiet) return;
    this.stream.write(`${printable(text).replaceAll(ESCAPE, '\x1b')}\n`);
  }

  /** The last line of standard output, if a machine reads it. */
  result(value: Record<string, unknown>): void {
    if (this.json && !this.quiet) process.stdout.write(`${printableJson(value)}\n`);
  }
}

/** A line on standard error, as `Output.line` has it. */
export function note(text = ''): void {
  process.stderr.write(`${printable(text)}\n`);
}

/** Text of many lines on standard output. */
export function text(lines: string): void {
  process.stdout.write(`${printableLines(lines.trimEnd())}\n`);
}

/** Colours that write ESCAPE. */
function coloursOf(enabled: boolean): ReturnType<typeof pc.createColors> {
  const colours = pc.createColors(enabled);
  if (!enabled) return colours;
  const marked = Object.entries(colours).map(([name, paint]) => {
    if (typeof paint !== 'function') return [name, paint];
    return [
      name,
      (text: string) =>
        paint('\0')
          .replaceAll('\x1b', ESCAPE)
          .replace('\0', () => text),
    ];
  });
  return Object.fromEntries(marked);
}

/** A reader that goes away early (`| head`) is no error; what is still to be written is dropped. */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // EIO: the terminal is gone, as after SIGHUP.
      if (error.code === 'EPIPE' || error.code === 'EIO') return;
      throw new DataError(`cannot write the output: ${reason(error)}`);
    });
  }
}

/** Warnings of the process as one line each: Node would add its number and a second line with advice on Node. */
export function warnInOneLine(): void {
  // None where Node was told to be silent, and Node's own where it was told to say where they come from.
  if (process.listenerCount('warning') === 0 || process.execArgv.includes('--trace-warnings')) return;
  process.removeAllListeners('warning');
  process.on('warning', ({ message }) => note(`Warning: ${message}`));
}

export const count = (n: number): string => Math.round(n).toLocaleString('en-US');
export const plural = (n: number, noun: string): string => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

/** A table in columns as wide as they need: the first to the left, the others to the right. */
export function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
  const line = (row: readonly string[]) =>
    row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  ');
  return [head, ...rows].map(line);
}

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

/** A loss in bits. */
export const inBits = (loss: number): string => lossText(loss / Math.LN2);

/** A tenth of a learning rate, without the last digits of its rounding. */
export const tenth = (rate: number): string => String(Number((rate / 10).toPrecision(12)));
