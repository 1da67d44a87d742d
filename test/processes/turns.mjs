// Runs a script again and again in one process, each time with arguments of its own, as if each were a process: what the
// script imports is loaded once. See in-turn.ts.
//
//   node turns.mjs SCRIPT, with a channel: a message has the arguments, the answer { code, stdout, stderr }

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Thrown in place of leaving the process. */
class Exit {
  /** @param {number} code */
  constructor(code) {
    this.code = code;
  }
}

const script = resolve(process.argv[2]);
/** What scripts listen to, and would leave behind. */
const EVENTS = ['uncaughtException', 'unhandledRejection', 'exit', 'SIGINT', 'SIGTERM', 'SIGHUP'];
/** What was there before them. */
const ours = new Map(EVENTS.map((event) => [event, listeners(event)]));
let turn = 0;

/** @param {string} event @returns {Function[]} */
function listeners(event) {
  return process.listeners(/** @type {'exit'} */ (event));
}

process.exit = (code = process.exitCode ?? 0) => {
  throw new Exit(Number(code));
};

/** @param {string[]} args */
async function run(args) {
  const said = { stdout: '', stderr: '' };
  for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
    process[name].write = (/** @type {unknown} */ text, /** @type {unknown[]} */ ...rest) => {
      said[name] += text;
      for (const then of rest) if (typeof then === 'function') then();
      return true;
    };
  }
  process.argv = [process.argv[0], script, ...args];
  process.exitCode = undefined;
  await import(`${pathToFileURL(script)}?turn=${turn++}`).then(
    () => leave(Number(process.exitCode ?? 0)),
    (error) => leave(error instanceof Exit ? error.code : thrown(error, said)),
  );
  return { code: Number(process.exitCode), ...said };
}

/** What Node does at the end of a process. @param {number} code */
function leave(code) {
  process.exitCode = code;
  for (const [event, before] of ours)
    for (const listener of listeners(event).filter((x) => !before.includes(x))) {
      if (event === 'exit') listener(code);
      process.removeListener(event, /** @type {() => void} */ (listener));
    }
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error');
}

/**
 * The exit code after an error that nobody catches. @param {unknown} error @param {{ stderr: string }} said
 */
function thrown(error, said) {
  try {
    for (const listener of listeners('uncaughtException')) listener(error, 'uncaughtException');
  } catch (exit) {
    if (exit instanceof Exit) return exit.code;
  }
  said.stderr += `${error instanceof Error ? error.stack : error}\n`;
  return 1;
}

process.on('message', async (args) => process.send?.(await run(/** @type {string[]} */ (args))));
