import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LONG } from './sequence.js';

it.each(LONG)('the file %s, which is to run early, is there', (name) => {
  expect(existsSync(new URL(`${name}.test.ts`, import.meta.url))).toBe(true);
});
