import { defineConfig } from 'vitest/config';

const common = { pool: 'forks', testTimeout: 120_000, hookTimeout: 120_000 } as const;

export default defineConfig({
  test: {
    // One more than cores of a small machine: browsers and dead threads are waited for.
    maxWorkers: 3,
    projects: [
      { test: { ...common, name: 'node', include: ['test/**/*.test.ts'], exclude: ['test/browser/**'] } },
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
