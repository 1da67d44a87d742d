import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// The loader runs in processes of their own, as the command line does, since a test's own imports are rewritten.

const LOADER = fileURLToPath(new URL('../../dist/cli/model.js', import.meta.url));
const STEP = `trainStep({ model: nn.linear(2, 1), batch: { x: f32(3, 2), y: f32(3, 1) },
  loss: (model, { x, y }) => meanSquaredError(model(x), y), optimizer: optim.sgd() });\n`;
const IMPORTS = `import { f32, meanSquaredError, nn, optim, trace, trainStep } from '2headgrad';\n`;

const FILES: Record<string, string> = {
  'typed.ts': `${IMPORTS}type Row = [number, number];\nexport const step = ${STEP}const rows: Row[] = [[1, 2]];\nexport const data = { x: rows.flat(), y: [1] };\n`,
  'plain.js': `${IMPORTS}export const step = ${STEP}export const data = async () => ({ x: [1, 2], y: [3] });\n`,
  'plain.mjs': `${IMPORTS}export default ${STEP}`,
  'modern.mts': `${IMPORTS}export const a = ${STEP}export const b = ${STEP}export const twice = trace('twice', { x: f32(3) }, ({ x }) => ({ y: x.mul(2) }));\n`,
  'parts.ts': `import { step as inner } from './typed.js';\nexport const step = inner;\n`,
  'graph.ts': `${IMPORTS}export const twice = trace('twice', { x: f32(3) }, ({ x }) => ({ y: x.mul(2) }));\n`,
  'syntax.ts': `const fine: number = 1;\n\nexport const step = = fine;\n`,
  'syntax.js': `const fine = 1;\n\n\nexport const step = = fine;\n`,
  'throws.ts': `interface Row { width: number }\n\nconst row = undefined as unknown as Row;\nexport const width = row.width;\n`,
  'text.ts': `throw 'no reason';\n`,
  'shape.ts': `${IMPORTS}\nexport const g = trace('g', { x: f32(3), y: f32(2) }, ({ x, y }) => ({ z: x.add(y) }));\n`,
  'nothing.ts': `export const width = 3;\nexport function step() {}\nexport const table = new Map();\n`,
  'empty.ts': '',
  'missing-package.ts': `import { z } from 'no-such-package-at-all';\nexport const step = z;\n`,
  'missing-name.ts': `import { trainStep, trainSteps } from '2headgrad';\nexport const step = trainStep ?? trainSteps;\n`,
  'foreign.ts': `export const step = { [Symbol.for('2headgrad.kind')]: 'train step' };\n`,
  'bad-data.ts': `${IMPORTS}export const step = ${STEP}export const data = [1, 2];\n`,
  'throwing-data.ts': `${IMPORTS}export const step = ${STEP}export const data = () => {\n  throw new RangeError('no rows');\n};\n`,
  'late-data.ts': `${IMPORTS}export const step = ${STEP}export const data = async () => (await import('./rows.js')).rows;\n`,
  'loose.ts': `import { step as inner } from './parts';\nimport { deep } from './folder2';\nexport const step = deep ? inner : inner;\n`,
  'rows.ts': `enum Row { first = 1, second }\nexport const rows = { x: [Row.first, Row.second], y: [3] };\n`,
  'model.json': '{}',
  'width.ts': `import { setting } from '2headgrad';\nexport const width: number = setting('width', 1);\n`,
  'settings.ts': `${IMPORTS}import { width } from './width.js';\nexport { width };\nexport const step = ${STEP}`,
};

interface Outcome {
  steps?: string[];
  graphs?: string[];
  chosen?: string;
  data?: unknown;
  /** The error's class and message. */
  error?: [string, string];
  /** Of loads one after the other: a value, and the settings that were asked for. */
  settings?: [number, string[]][];
}

let folder = '';

/** Loads each file and says what came of it. */
const SCRIPT = `
const { loadModel, chooseStep } = await import(${JSON.stringify(LOADER)});
const all = {};
for (const given of process.argv.slice(2)) {
  const [path, name] = given.split('#');
  const outcome = (all[given] = {});
  try {
    const model = await loadModel(path);
    outcome.steps = [...model.steps.keys()];
    outcome.graphs = [...model.graphs.keys()];
    outcome.data = await model.data();
    const { step } = chooseStep(model, name);
    outcome.chosen = step.program.variables.map((v) => v.name).join();
  } catch (error) {
    outcome.error = [error.constructor.name, error.message];
  }
}
const given = new Map([['width', { value: '3', told: '--set width=3', isOption: true }]]);
all.again = { settings: [] };
for (const values of [new Map(), given, new Map()]) {
  const { settings, exports } = await loadModel('settings.ts', values);
  all.again.settings.push([exports.width, [...settings.keys()]]);
}
all.after = await import('./rows.ts?again').then(() => 'read', () => 'Node alone');
console.log(JSON.stringify(all));`;

/** Has a process find no tsx, as where nobody has installed it. */
const NO_TSX = `import { register } from 'node:module';
const hooks = \`export async function resolve(specifier, context, next) {
  if (specifier === 'tsx/esm/api') throw Object.assign(new Error('none'), { code: 'ERR_MODULE_NOT_FOUND' });
  return next(specifier, context);
}\`;
register('data:text/javascript,' + encodeURIComponent(hooks));`;

function load(cwd: string, paths: string[], args: readonly string[]): Record<string, Outcome> {
  return JSON.parse(
    execFileSync(process.execPath, [...args, 'load.mjs', ...paths], {
      cwd,
      encoding: 'utf8',
      maxBuffer: 2 ** 24,
    }),
  );
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), '2headgrad-model-'));
  await Promise.all(Object.entries(FILES).map(([name, text]) => writeFile(join(folder, name), text)));
  await mkdir(join(folder, 'folder.ts'));
  await mkdir(join(folder, 'folder2'));
  await writeFile(join(folder, 'folder2', 'index.ts'), 'export const deep: boolean = true;\n');
  await writeFile(join(folder, 'load.mjs'), SCRIPT);
  await writeFile(join(folder, 'no-tsx.mjs'), NO_TSX);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each([
  { reader: 'tsx', args: [], unexpected: 'Unexpected "="' },
  { reader: 'sucrase', args: ['--import', './no-tsx.mjs'], unexpected: 'Unexpected token' },
])('read by $reader,', ({ args, unexpected }) => {
  const outcomes: Record<string, Outcome> = {};
  beforeAll(() => {
    const more = ['absent.ts', 'folder.ts', 'modern.mts#b', 'modern.mts#c', 'graph.ts#x'];
    Object.assign(outcomes, load(folder, [...Object.keys(FILES), ...more], args));
  });

  it.each(['typed.ts', 'plain.js', 'plain.mjs', 'parts.ts', 'loose.ts', 'modern.mts#b'])(
    'the step in %s is that of this very copy of the package, in a folder without any package.json',
    (name) => {
      expect(outcomes[name]).toMatchObject({ chosen: 'weight,bias' });
      expect(outcomes[name].error).toBeUndefined();
    },
  );

  it('several steps and traced graphs are found by the names of their exports', () => {
    expect(outcomes['modern.mts']).toMatchObject({ steps: ['a', 'b'], graphs: ['twice'] });
  });

  it('data is an object or what a function gives', () => {
    expect(outcomes['typed.ts'].data).toEqual({ x: [1, 2], y: [1] });
    expect(outcomes['plain.js'].data).toEqual({ x: [1, 2], y: [3] });
    expect(outcomes['plain.mjs'].data).toBeUndefined();
  });

  it('a function that gives the data may import TypeScript', () => {
    expect(outcomes['late-data.ts'].data).toEqual({ x: [1, 2], y: [3] });
  });

  it('a file that is loaded again runs again with what it imports, and gets other settings', () => {
    const asked = (width: number) => [width, ['width']];
    expect(outcomes.again.settings).toEqual([asked(1), asked(3), asked(1)]);
  });

  it('what is imported when the model is there, as the compiler is, does not go through it', () => {
    expect(outcomes.after).toBe('Node alone');
  });

  it.each<[string, string, string | RegExp]>([
    ['absent.ts', 'DataError', 'cannot read the model "absent.ts": it does not exist; check the path'],
    ['folder.ts', 'DataError', 'cannot read the model "folder.ts": it is a folder; give a file'],
    ['model.json', 'DataError', /"model.json": expected a file that ends in \.ts, \.mts, \.js, \.mjs$/],
    ['syntax.ts', 'DataError', `syntax.ts: ${unexpected} (syntax.ts:3)`],
    ['syntax.js', 'DataError', "syntax.js: Unexpected token '=' (syntax.js:4)"],
    ['throws.ts', 'DataError', /^throws\.ts threw while loading: TypeError: .*undefined.*\(throws\.ts:4\)$/],
    ['text.ts', 'DataError', 'text.ts threw while loading: "no reason"'],
    ['shape.ts', 'DataError', /^shape\.ts: add: shapes do not broadcast: \[3\] and \[2\] \(shape\.ts:3\)$/],
    ['nothing.ts', 'DataError', /exports .*width \(a number\).*export what trainStep/],
    ['nothing.ts', 'DataError', /step \(a function\), table \(Map\)/],
    ['empty.ts', 'DataError', /^empty\.ts: it exports nothing: export what trainStep/],
    ['missing-package.ts', 'DataError', /no-such-package-at-all.*missing-package\.ts: install it, or mend/],
    ['missing-name.ts', 'DataError', /does not provide an export named 'trainSteps' \(missing-name\.ts:1\)$/],
    ['foreign.ts', 'DataError', /^foreign\.ts: its export step was made by another copy of 2headgrad/],
    [
      'graph.ts',
      'DataError',
      /^graph\.ts exports no training step, only what trace\(\.\.\.\) made \(twice\): export what trainStep/,
    ],
    [
      'modern.mts',
      'OptionError',
      'modern.mts exports several training steps: choose one of a, b by --export',
    ],
    ['modern.mts#c', 'OptionError', 'modern.mts exports no training step c: there are a, b'],
    ['graph.ts#x', 'OptionError', 'graph.ts exports no training step x: there is none'],
    ['bad-data.ts', 'DataError', /^bad-data\.ts: data must be an object with an array for each input/],
    ['throwing-data.ts', 'DataError', /data\(\) threw RangeError: no rows \(throwing-data\.ts:5\)$/],
  ])('%s is refused with a %s that says what is wrong', (name, kind, message) => {
    expect(outcomes[name].error).toEqual([
      kind,
      typeof message === 'string' ? message : expect.stringMatching(message),
    ]);
  });
});
