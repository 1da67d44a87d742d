import { Command, InvalidArgumentError } from 'commander';
import { MUTANTS } from './mutants/mutants.js';
import { type Outcome, Trial } from './mutants/trial.js';

// Breaks the compiler in one place at a time and looks whether a test notices. What survives is a test that is missing.
//
//   npm run mutants [-- --only TEXT] [--at-once N] [--seconds N]

const count = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('expected a whole number above 0');
  return Number(text);
};

const { only, atOnce, seconds } = new Command('npm run mutants --')
  .description('breaks the compiler in one place at a time: a test must notice')
  .option('--only <text>', 'mutants whose file or description contains this')
  .option('--at-once <n>', 'how many are tried side by side', count, 2)
  .option('--seconds <n>', 'how long the tests of one may take', count, 300)
  .parse()
  .opts<{ only?: string; atOnce: number; seconds: number }>();

const chosen = MUTANTS.filter(({ file, what }) => !only || `${file} ${what}`.includes(only));
if (chosen.length === 0) {
  console.error(`there is no mutant with ${JSON.stringify(only)} in its file or description`);
  process.exit(2);
}
const outcomes: Outcome[] = [];
const waiting = [...chosen];
await Promise.all(
  Array.from({ length: Math.min(atOnce, chosen.length) }, async () => {
    const trial = await Trial.open();
    try {
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
        const started = performance.now();
        const outcome = await trial.run(mutant, seconds);
        outcomes.push(outcome);
        const took = `${((performance.now() - started) / 1000).toFixed(0)} s`;
        console.log(
          `${outcomes.length}/${chosen.length} ${outcome.padEnd(8)} ${took.padStart(5)}  ${mutant.file}: ${mutant.what}`,
        );
      }
    } finally {
      await trial.close();
    }
  }),
);
const noticed = outcomes.filter((outcome) => outcome !== 'survived').length;
console.log(`${noticed} of ${chosen.length} noticed (${Math.round((100 * noticed) / chosen.length)} %)`);
process.exit(noticed === chosen.length ? 0 : 1);
