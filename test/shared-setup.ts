import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder of this run, for what its files share: see once.ts. */
    shared: string;
  }
}

/** Once, before any test. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = await mkdtemp(join(tmpdir(), '2headgrad-shared-'));
  project.provide('shared', shared);
  return () => rm(shared, { recursive: true, force: true });
}
