import { defineConfig } from 'vitest/config';
import { LongFirst } from './test/sequence.js';

const common = {
  pool: 'forks' as const,
  testTimeout: 120_000,
  hookTimeout: 120_000,
  isolate: false,
  globalSetup: ['test/shared-setup.ts'],
  setupFiles: ['test/equal-arrays.ts', 'test/light-compile.ts'],
};

export default defineConfig({
  test: {
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    projects: [
      {
        test: {
          ...common,
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**'],
        },
      },
      {
        test: {
          ...common,
          name: 'chromium',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: [...common.globalSetup, 'test/browser/chromium-setup.ts'],
        },
      },
    ],
  },
});
