import type { CompileProgress } from '../emit/compile.js';
import { count, duration } from './output.js';

/** Operations from which a compilation is worth a line: smaller ones are done in a few seconds. */
const LARGE = 500;

/**
 * A line on standard error that grows as a large graph is compiled: which step of the compilation goes on, and what each
 * took. The compiler blocks, so that a moving bar is not possible. Takes the place of `progress` in the compile options.
 */
export function compileProgress(
  write: (text: string) => void = (text) => process.stderr.write(text),
): (now: CompileProgress | null) => void {
  let begun = 0;
  let last: CompileProgress | null = null;
  return (now) => {
    const time = performance.now() / 1000;
    if (now && now.nodes < LARGE) return;
    if (now && !last) write(`Compiling ${count(now.nodes)} operations: ${now.step}`);
    else if (last) write(` ${duration(time - begun)}${now ? `, ${now.step}` : '\n'}`);
    begun = time;
    last = now;
  };
}
