/**
 * The runtime alone: what a page needs that brings its own manifest and module, as the Vite plugin does.
 *
 * @module 2headgrad/runtime
 */

import { type ModelSession, type StartOptions, startModel } from './session.js';
import { spawner } from './threads.js';

export {
  DataError,
  DivergedError,
  GradError,
  OptionError,
  OutOfMemoryError,
  UnsupportedError,
  WorkerError,
} from '../errors.js';
export { type ThreadSupport, threadSupport } from '../run/threads.js';
export type { LearningRate, Progress, RunOptions } from '../train/session.js';
export type { Manifest, ModuleFile } from './manifest.js';
export type { ModelSession, StartOptions } from './session.js';

/** A model that was compiled before. */
export interface PrecompiledModel {
  /** Starts a session; several may run. */
  compile(options?: StartOptions): Promise<ModelSession>;
}

/**
 * A compiled model as an object.
 * @param manifest what `model.json` holds
 * @param url the address of a file that the manifest names
 */
export function precompiled(manifest: unknown, url: (file: string) => URL): PrecompiledModel {
  const spawn = () =>
    spawner(
      () => new URL('./thread.js', import.meta.url),
      () => new Worker(new URL('./thread.js', import.meta.url), { type: 'module', name: '2headgrad-thread' }),
    );
  return { compile: (options) => startModel(manifest, { url, spawn }, options) };
}
