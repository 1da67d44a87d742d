import { defineConfig } from 'vitest/config';

const common = {
  pool: 'forks',
  testTimeout: 120_000,
  hookTimeout: 120_000,
  setupFiles: 'test/equal-arrays.ts',
} as const;

export default defineConfig({
  test: {
    maxWorkers: 3,
    projects: [
      {
        test: {
          ...common,
          name: 'node',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**'],
        },
      },
      {
        test: {
          ...common,
          name: 'chromium',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: 'test/browser/chromium-setup.ts',
        },
      },
    ],
  },
});
