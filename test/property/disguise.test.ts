import { expect, it } from 'vitest';
import { awkwardName } from './disguise.js';

it('no two of the names that a module takes are the same', () => {
  const names = Array.from({ length: 1000 }, (_, k) => awkwardName(k));
  expect(new Set(names).size).toBe(names.length);
});
