import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import type { Stage } from '../../src/emit/stages.js';
import { f32, trace } from '../../src/index.js';
import { readLibrary } from '../../src/run/node.js';

it('the page of ARCHITECTURE.md shows a kernel as the compiler does, at each stage', async () => {
  const text = await readFile(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8');
  const page = /## One kernel at each stage\n([\s\S]*?)\n## /.exec(text)![1];
  const [code, ...shown] = [...page.matchAll(/^```\w*\n([\s\S]*?)\n```$/gm)].map(([, block]) => block);
  const types = { x: f32(8, 16), w: f32(16) };
  const graph = trace('scores', types, ({ x, w }) => ({ y: x.mul(w).sum(1).tanh() }));
  expect(code.replaceAll(/\s/g, '')).toContain('({x,w})=>({y:x.mul(w).sum(1).tanh()})');
  const input = { name: 'scores', variables: [], entries: { call: graph } };
  const module = await compileProgram(input, {
    library: await readLibrary(),
    asc: async () => new Uint8Array(),
  });
  const stages: Stage[] = ['graph', 'schedule', 'loops', 'assemblyscript'];
  expect(shown).toHaveLength(stages.length);
  for (const [i, stage] of stages.entries()) {
    // Without the line of this file that traced it.
    const made = (await module.text(stage)).replaceAll(/ *(# )?\(?page\.test\.ts:\d+\)?/g, '');
    expect(made).toContain(shown[i]);
  }
});
