import { vi } from 'vitest';
import type * as Compile from '../src/emit/compile.js';

// Tests compile some hundred modules, and most of their time goes into asc's last two levels of optimization, which change
// no bit. So they do without, unless a test asks for a level, or wants what users get:
//
//   vi.unmock('../../src/emit/compile.js');

vi.mock('../src/emit/compile.js', async (original) => {
  const compile = await original<typeof Compile>();
  const compileProgram: typeof Compile.compileProgram = (input, options) =>
    compile.compileProgram(input, { level: 1, ...options });
  return { ...compile, compileProgram };
});
