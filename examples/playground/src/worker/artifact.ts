import packageJson from '../../../../package.json' with { type: 'json' };
import { type AnyTrainStep, compileAhead } from '../engine.js';
import type { ModelFiles } from '../protocol.js';
import type { Prepared } from './compile.js';

/** What the model has of the folder that `2headgrad compile` writes; the page's side adds the code (pack.ts). */
export async function artifact(
  { kind, task, seed }: Prepared,
  checkpoint: Uint8Array | null,
): Promise<ModelFiles> {
  const { step, using } = task;
  const { files } = await compileAhead(step as unknown as AnyTrainStep, {
    library: {},
    runtime: '',
    generator: `2headgrad ${packageJson.version}`,
    seed,
    weights: checkpoint ?? undefined,
  });
  return { kind, files: Object.fromEntries(files), ...using };
}
