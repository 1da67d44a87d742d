import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { RULES } from '../../src/doctor/rules/index.js';
import { run } from '../cli/command.js';
import { findingsTable } from '../doctor/table.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = join(root, 'examples', 'doctor');
const readme = readFileSync(join(example, 'README.md'), 'utf8');

it('the example prints, digit for digit, what its README says, and draws its picture', () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  try {
    const printed = execFileSync(process.execPath, ['--import', 'tsx', join(example, 'main.ts'), folder], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(readme).toContain(`\`\`\`\n${printed}\`\`\``);
    expect(readFileSync(join(folder, 'cost.svg'), 'utf8')).toBe(
      readFileSync(join(example, 'cost.svg'), 'utf8'),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('the README has the table of what the doctor says of every broken model of the tests', async () => {
  const table = await findingsTable();
  for (const { name } of RULES) expect(table).toContain(`| ${name} |`);
  expect(readme).toContain(table);
});

it('the command line says the same of both models', async () => {
  const broken = await run('doctor', join(example, 'broken.ts'));
  expect([broken.code, broken.stderr]).toEqual([1, '']);
  expect(broken.stdout).toContain('✗ bias-before-batch-norm  broken.ts:8');
  const mended = await run('doctor', join(example, 'mended.ts'));
  expect([mended.code, mended.stdout.includes('Healthy: nothing found.')]).toEqual([0, true]);
});
