import { describe, expect, it } from 'vitest';
import { RULES } from '../../src/doctor/rules/index.js';
import { diagnose } from '../../src/index.js';
import { CASES, type Visit } from './cases.js';

const findings = async ({ step, options }: Visit) => (await diagnose(step, options)).findings;

it('every rule has a broken model that triggers it', () => {
  expect([...new Set(CASES.map(({ rule }) => rule))].sort()).toEqual(RULES.map(({ name }) => name).sort());
});

describe.each(CASES)('$rule: $name', ({ rule, broken, mended, says }) => {
  it('is found in the broken model, with its line, and is not in the mended one', async () => {
    const found = (await findings(broken())).filter((finding) => finding.rule === rule);
    expect(found[0]).toBeDefined();
    expect(found.map(({ why }) => why).join('\n')).toMatch(says);
    for (const { where, fix } of found) {
      expect(where).toMatch(/^(cases|compare)\.ts:\d+$/);
      expect(fix.length).toBeGreaterThan(20);
    }
    expect((await findings(mended())).map((finding) => `${finding.rule}: ${finding.why}`)).toEqual([]);
  });
});
