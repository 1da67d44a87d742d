import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take longest, so that none of them is left when all others are done, and one worker runs it alone. */
export const LONG = [
  'emit/ops',
  'property/programs',
  'golden/golden',
  'golden/compiled',
  'cli/resume',
  'cli/usage',
  'aot/compile',
  'aot/entries',
  'run/faults',
  'bench/bench',
  'cli/text',
  'docs/pages',
  'docs/site',
  'cli/words',
  'cli/sweep/sweep',
  'emit/parts',
  'emit/names',
  'cli/memory',
  'examples/words',
  'examples/makemore',
  'examples/digits',
  'examples/doctor',
  'examples/ladder',
  'examples/time-series',
  'cli/doctor',
  'package/package',
  'growth/linear',
  'property/sum-bits',
  'property/fuzz',
];

const placeOf = ({ moduleId, project }: TestSpecification) => {
  if (project.name === 'chromium') return -1;
  const place = LONG.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return place < 0 ? LONG.length : place;
};

/** Long files first, the others as vitest has them. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => placeOf(a) - placeOf(b));
  }
}
