/**
 * The user's file and line (`model.ts:14`) that led here: the innermost stack frame outside of this
 * library, or '' where the engine gives no stack. Models that ship with the library count as user code.
 */
export function userLocation(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 40;
  const stack = new Error().stack ?? '';
  Error.stackTraceLimit = limit;
  return locationIn(stack);
}

/** A message with the user's file and line at its end, where there is one. */
export function located(message: string): string {
  const where = userLocation();
  return where ? `${message} (${where})` : message;
}

/** The innermost frame of a stack outside of this library, as `model.ts:14`, or ''. */
export function locationIn(stack: string): string {
  for (const line of stack.split('\n').slice(1)) {
    // `at name (place:14:20)` or `at place:14:20`; a place may have spaces.
    const frame = /(?:\(([^()]*)|at (?:async )?([^()]*)):(\d+):\d+\)?$/.exec(line);
    if (!frame) continue;
    const file = decodeURI((frame[1] ?? frame[2]).split('?')[0]);
    if (!/[/\\]/.test(file)) continue;
    if (file.includes('node:') || file.includes('/node_modules/') || isLibrary(file)) continue;
    return `${file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)}:${frame[3]}`;
  }
  return '';
}

// A script has no address: all of it counts as the library's.
const own: string = import.meta.url ?? '';
const root = decodeURI(own.slice(0, own.lastIndexOf('/') + 1)).replace(/^file:\/\//, '');

// With source maps, frames of what is built in dist/ name its sources beside it.
const roots = [root, root.replace(/\/dist\/$/, '/src/')];

function isLibrary(file: string): boolean {
  const path = file.replace(/^file:\/\//, '');
  return roots.some((root) => path.startsWith(root) && !path.startsWith(`${root}models/`));
}
