import { describe, expect, it } from 'vitest';
import { dropMarkers } from '../../src/optimize/drop-markers.js';
import { after } from './text.js';

describe('drop-markers', () => {
  it('removes stop_gradient, index and casts to the same dtype', () => {
    const before = `
      %x = input "x" : f32[9,2]
      %i = input "i" : i32[3]
      %1 = index %i size=9 what="gather" : i32[3]
      %2 = gather %x, %1 : f32[3,2]
      %3 = stop_gradient %2 : f32[3,2]
      %4 = cast %3 : f32[3,2]
      %5 = cast %4 : i32[3,2]
      return y = %5`;
    expect(after(dropMarkers, before)).toMatchInlineSnapshot(`
      "%2 = gather %0, %1 : f32[3,2]
      %3 = cast %2 : i32[3,2]
      return y = %3"
    `);
  });

  it('leaves a result that is the input itself', () => {
    const before = `
      %x = input "x" : f32[2]
      %1 = stop_gradient %x : f32[2]
      return y = %1`;
    expect(after(dropMarkers, before)).toMatchInlineSnapshot(`"return y = %0"`);
  });
});
