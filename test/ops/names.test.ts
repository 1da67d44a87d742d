import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { opTable } from '../../src/index.js';

// What is known of an op stands in its object, so that a new one needs no other file: nothing outside of src/ops asks
// for an op by name, or lists ops.

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
const names = new Set(opTable().keys());

/** Who may name ops, and why. A folder stands for all of its files. */
const algebra = 'rewrites these ops by laws of arithmetic or of movement that hold for them';
const words = 'words of its own, not ops';
const MAY: Record<string, string> = {
  'optimize/attention/find.ts': 'recognises attention by the exponential and the sum of a softmax',
  'optimize/attention/seen.ts': algebra,
  'optimize/centred-sums.ts': algebra,
  'optimize/common-steps.ts': algebra,
  'optimize/drop-markers.ts': algebra,
  'optimize/fold-constants.ts': algebra,
  'optimize/fold-transposes.ts': algebra,
  'optimize/implicit-broadcasts.ts': algebra,
  'optimize/join-pads.ts': algebra,
  'optimize/simplify-arithmetic.ts': algebra,
  'optimize/simplify-movement.ts': algebra,
  'optimize/sink-reshapes.ts': algebra,
  'optimize/sparse-updates.ts': algebra,
  'graph/intervals.ts': 'knows the softmax, of which no op sees more than a part',
  'graph/parse.ts': 'reads the role of an input, which is a word of the text',
  'doctor/cross-entropy.ts': 'recognises a loss by the ops that it is written in',
  'doctor/match.ts': 'recognises means and scaled values by the ops that they are written in',
  'doctor/rules': 'recognise what is usually wrong with a model by the ops that it is written in',
  'onnx/patterns.ts': 'recognises what ONNX has an op for by the ops that it is written in',
  'onnx/pools.ts': 'recognises pools by the ops that they are written in',
  'train/shards.ts': 'recognises what a model counts by the sum that it assigns, and the gradient of a table',
  'train/observe.ts': 'shows three activations, by the names that a report has',
  'train/diagnostics.ts':
    'shows three activations, by the names that a report has; sessions do without the ops',
  'artifact/manifest.ts': words,
  'cli/kinds/file.ts': words,
  'init/init.ts': words,
  'report/fit.ts': words,
  'scalar/ops.ts': words,
  'train/evaluate.ts': words,
  'train/metrics.ts': words,
};

/** What is compared with such names is no op: a kind of lowering or of storage, a role of an input, one of two bounds. */
const OTHER = /\b(kind|lowering|role|which)$/;

/** Places where a file asks for ops by name: comparisons, cases, `is(node, name)`, lists and tables. */
function namedOps(path: string, text: string): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const isName = (node: ts.Node | undefined): node is ts.StringLiteral =>
    node !== undefined && ts.isStringLiteral(node) && names.has(node.text);
  const note = (node: ts.Node, name: string) => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${path}:${line + 1} ${name}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node) && /^[!=]==?$/.test(node.operatorToken.getText())) {
      for (const [side, other] of [
        [node.left, node.right],
        [node.right, node.left],
      ])
        if (isName(side) && !OTHER.test(other.getText())) note(side, side.text);
    }
    if (ts.isCaseClause(node) && isName(node.expression)) {
      if (!OTHER.test(node.parent.parent.expression.getText())) note(node, node.expression.text);
    }
    if (ts.isCallExpression(node) && node.expression.getText() === 'is' && isName(node.arguments[1]))
      note(node, node.arguments[1].text);
    if (ts.isArrayLiteralExpression(node) && node.elements.length > 1 && node.elements.every(isName))
      note(node, node.elements.map((element) => (element as ts.StringLiteral).text).join());
    if (ts.isObjectLiteralExpression(node)) {
      const keys = node.properties.map(({ name }) => name?.getText().replace(/'/g, '') ?? '');
      if (keys.length > 1 && keys.every((key) => names.has(key))) note(node, keys.join());
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesOf(path);
    return /\.ts$/.test(entry.name) ? [relative(SRC, path).split(sep).join('/')] : [];
  });
}

const found = new Map(
  filesOf(SRC)
    .filter((path) => !path.startsWith('ops/'))
    .map((path) => [path, namedOps(path, readFileSync(join(SRC, path), 'utf8'))] as const)
    .filter(([, places]) => places.length > 0),
);
const covers = (entry: string, path: string) => path === entry || path.startsWith(`${entry}/`);

describe('ops by name', () => {
  it('are asked for in few places, each with a reason', () => {
    const wrong = [...found].filter(([path]) => !Object.keys(MAY).some((entry) => covers(entry, path)));
    expect(wrong.flatMap(([, places]) => places)).toEqual([]);
  });

  it('are still asked for wherever a reason is given', () => {
    const idle = Object.keys(MAY).filter((entry) => ![...found.keys()].some((path) => covers(entry, path)));
    expect(idle).toEqual([]);
  });
});

describe('the search for ops by name', () => {
  it.each([
    ["if (node.op.name === 'relu') f();", 'relu'],
    ["if ('relu' !== at.op.name) f();", 'relu'],
    ["switch (node.op.name) { case 'relu': f(); }", 'relu'],
    ["if (is(node, 'relu')) f();", 'relu'],
    ["const commutative = new Set(['add', 'mul']);", 'add,mul'],
    ["const rising = { exp: Math.exp, 'log': Math.log, relu };", 'exp,log,relu'],
  ])('finds %s', (text, name) => {
    expect(namedOps('a.ts', text)).toEqual([`a.ts:1 ${name}`]);
  });

  it.each([
    "if (node.op.lower.kind === 'matmul') f();",
    "switch (kernel.kind) { case 'gather': f(); }",
    "if (inputAttrs(node).role === 'input') f();",
    "build('add', [x, y], {}, where);",
    'const options = { max: 1, steps: 2 };',
  ])('lets pass %s', (text) => {
    expect(namedOps('a.ts', text)).toEqual([]);
  });
});
