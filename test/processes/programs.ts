import { test } from 'vitest';
import { whyNoHosts } from '../../scripts/namespaces.mjs';
import { command, missingPrograms, type Program } from '../../scripts/programs.mjs';

/** `test`, where the programs are there that no package of npm brings; else all are skipped, or fail in CI. */
export function testWith(...programs: Program[]) {
  const missing = missingPrograms().filter((program) => programs.includes(program));
  if (missing.length === 0) return test;
  if (process.env.CI) throw new Error(`${missing.join(', ')} is missing: ${missing.map(command).join(', ')}`);
  return test.skip;
}

/** The same for tests of several hosts, which are network namespaces: these want root as well, and a kernel that has them. */
export function testWithHosts(...programs: Program[]) {
  const test = testWith('ip', ...programs);
  const why = whyNoHosts();
  if (why === null) return test;
  if (process.env.CI) throw new Error(why);
  process.stderr.write(`Tests of several hosts are skipped: ${why}\n`);
  return test.skip;
}
