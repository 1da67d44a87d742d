import { test } from 'vitest';
import { command, missingPrograms, type Program } from '../../scripts/programs.mjs';

/** `test`, where the programs are there that no package of npm brings; else all are skipped, or fail in CI. */
export function testWith(...programs: Program[]) {
  const missing = missingPrograms().filter((program) => programs.includes(program));
  if (missing.length === 0) return test;
  if (process.env.CI) throw new Error(`${missing.join(', ')} is missing: ${missing.map(command).join(', ')}`);
  return test.skip;
}
