import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable, printableJson, printableLines } from '../src/printable.js';

const OBEYED = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/u;

test.each([
  ['\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
  ['\x9b2J', '\\x9b2J'],
  ['\x1b]0;title\x07', '\\x1b]0;title\\x07'],
  ['over\rwritten\b\x7f', 'over\\rwritten\\x08\\x7f'],
  ['two\nlines\ttab\0', 'two\\nlines\\ttab\\x00'],
  ['\u202eright\u2066left\u200f', '\\u202eright\\u2066left\\u200f'],
  ['\u2028\u2029\ufeff\ud800', '\\u2028\\u2029\\ufeff\\ud800'],
])('%j is shown and not obeyed', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('letters of any script, joiners and pictures stay as they are', () => {
  for (const text of ['Zoë', 'نوید', 'שלום', 'क्‍ष', '👩‍👧', 'a\\b', '']) expect(printable(text)).toBe(text);
});

test('no text has anything left that is obeyed, and lines stay lines', () => {
  const anything = fc.string({ unit: 'binary', maxLength: 40 });
  fc.assert(
    fc.property(anything, fc.integer({ min: 0xd800, max: 0xdfff }), (text, half) => {
      const all = text + String.fromCharCode(half);
      expect(printable(all)).not.toMatch(OBEYED);
      expect(printableLines(`${all}\n${all}`).split('\n').join('')).not.toMatch(OBEYED);
    }),
  );
});

test('JSON stays the same value, without what JSON.stringify leaves raw', () => {
  const value = { 'k\x9b': ['\x1b[2J', '\x7f\x85\u202e\u2028', '\ud800', 'ü'] };
  const line = printableJson(value);
  expect(line).not.toMatch(OBEYED);
  expect(JSON.parse(line)).toEqual(value);
});
