import type { TestProject } from 'vitest/node';
import { findChromium } from '../../scripts/chromium.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the Chromium that the browser tests drive. */
    chromium: string;
  }
}

/** Once, before any browser test: finds Chromium or installs it. Without one, all of them fail with the command to run. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('chromium', await findChromium());
}
