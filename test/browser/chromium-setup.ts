import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findChromium } from '../../scripts/chromium.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the Chromium that the browser tests drive. */
    chromium: string;
    /** A folder of this run, for what its files share. */
    shared: string;
  }
}

/** Once, before any browser test: finds Chromium or installs it. Without one, all of them fail with the command to run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  project.provide('chromium', await findChromium());
  const shared = await mkdtemp(join(tmpdir(), '2headgrad-browser-'));
  project.provide('shared', shared);
  return () => rm(shared, { recursive: true, force: true });
}
