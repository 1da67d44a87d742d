import { Tensor } from '2headgrad';
import { evaluate } from './model.js';

/** Runs the user's program, and has `print` told what it says by console.log. It has this worker for itself. */
export async function runProgram(source: string, print: (line: string) => void): Promise<void> {
  console.log = (...parts: unknown[]) => {
    for (const line of parts
      .map((part) => (typeof part === 'string' ? part : shown(part)))
      .join(' ')
      .split('\n'))
      print(line);
  };
  await evaluate(source);
}

/** A value as a text, much as Node shows it. */
function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Tensor) return value.toString();
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return `[ ${Array.from(value as ArrayLike<unknown>, shown).join(', ')} ]`;
  return `{ ${Object.entries(value)
    .map(([name, part]) => `${name}: ${shown(part)}`)
    .join(', ')} }`;
}
