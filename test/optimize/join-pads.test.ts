import { describe, expect, it } from 'vitest';
import { joinPads } from '../../src/optimize/join-pads.js';
import { after } from './text.js';

describe('join-pads', () => {
  it('concatenates parts that were padded around each other', () => {
    const before = `
      %a = input "a" : f32[2,3]
      %b = input "b" : f32[2,1]
      %c = input "c" : f32[2,2]
      %1 = pad %b before=[0,3] after=[0,2] : f32[2,6]
      %2 = pad %a before=[0,0] after=[0,3] : f32[2,6]
      %3 = pad %c before=[0,4] after=[0,0] : f32[2,6]
      %4 = add %1, %2 : f32[2,6]
      %5 = add %4, %3 : f32[2,6]
      return y = %5`;
    expect(after(joinPads, before)).toMatchInlineSnapshot(`
      "%3 = concat %0, %1, %2 axis=1 : f32[2,6]
      return y = %3"
    `);
  });

  it('leaves parts that overlap or leave a gap', () => {
    const before = `
      %a = input "a" : f32[3]
      %1 = pad %a before=[0] after=[2] : f32[5]
      %2 = pad %a before=[2] after=[0] : f32[5]
      %3 = add %1, %2 : f32[5]
      %4 = pad %a before=[0] after=[4] : f32[7]
      %5 = pad %a before=[4] after=[0] : f32[7]
      %6 = add %4, %5 : f32[7]
      return y = %3
      return z = %6`;
    expect(after(joinPads, before)).toMatchInlineSnapshot(`
      "%1 = pad %0 before=[0] after=[2] : f32[5]
      %2 = pad %0 before=[2] after=[0] : f32[5]
      %3 = add %1, %2 : f32[5]
      %4 = pad %0 before=[0] after=[4] : f32[7]
      %5 = pad %0 before=[4] after=[0] : f32[7]
      %6 = add %4, %5 : f32[7]
      return y = %3
      return z = %6"
    `);
  });

  it('leaves a sum that someone else reads', () => {
    const before = `
      %a = input "a" : f32[2]
      %1 = pad %a before=[0] after=[4] : f32[6]
      %2 = pad %a before=[2] after=[2] : f32[6]
      %3 = pad %a before=[4] after=[0] : f32[6]
      %4 = add %1, %2 : f32[6]
      %5 = add %4, %3 : f32[6]
      return y = %5
      return z = %4`;
    expect(after(joinPads, before)).toMatchInlineSnapshot(`
      "%1 = pad %0 before=[0] after=[4] : f32[6]
      %2 = pad %0 before=[2] after=[2] : f32[6]
      %3 = add %1, %2 : f32[6]
      %4 = pad %0 before=[4] after=[0] : f32[6]
      %5 = add %3, %4 : f32[6]
      return y = %5
      return z = %3"
    `);
  });
});
