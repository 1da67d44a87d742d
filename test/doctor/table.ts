import { diagnose } from '../../src/index.js';
import { CASES } from './cases.js';

/** What the doctor says of each broken model of the tests, as a table in Markdown. */
export async function findingsTable(): Promise<string> {
  const rows: string[] = [];
  for (const { rule, name, broken } of CASES) {
    const { step, options } = broken();
    const { findings } = await diagnose(step, options);
    const why = findings.find((finding) => finding.rule === rule)?.why ?? '';
    // Lines of the tests would change with them.
    const said = why.replace(/ ?\([a-z-]+\.ts:\d+\)/g, '').replaceAll('|', '\\|');
    rows.push(`| ${rule} | ${name} | ${said} |`);
  }
  return ['| rule | broken model | what the doctor says |', '|---|---|---|', ...rows, ''].join('\n');
}
