import { describe, expect, it } from 'vitest';
import { deadCode } from '../../src/optimize/dead-code.js';
import { after } from './text.js';

describe('dead-code', () => {
  it('drops what nobody reads and updates that keep the value; inputs stay', () => {
    const before = `
      %x = input "x" : f32[2]
      %unused = input "unused" : f32[2]
      %w = parameter "w" : f32[2]
      %1 = tanh %x : f32[2]
      %2 = exp %1 : f32[2]
      return y = %1
      update "w" = %w`;
    expect(after(deadCode, before)).toMatchInlineSnapshot(`
      "%3 = tanh %0 : f32[2]
      return y = %3"
    `);
  });
});
