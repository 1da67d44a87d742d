import packageJson from '../../../../package.json' with { type: 'json' };
import { type AnyTrainStep, compileAhead } from '../engine.js';
import type { ModelFiles } from '../protocol.js';
import type { Task } from './task.js';

/** What the model has of the folder that `2headgrad compile` writes; the page's side adds the code (pack.ts). */
export async function artifact(task: Task, seed: number, checkpoint: Uint8Array | null): Promise<ModelFiles> {
  const { step, context, vocabulary } = task;
  const { files } = await compileAhead(step as unknown as AnyTrainStep, {
    library: {},
    runtime: '',
    generator: `2headgrad ${packageJson.version}`,
    seed,
    weights: checkpoint ?? undefined,
  });
  const characters = Array.from({ length: vocabulary.size - 1 }, (_, i) => vocabulary.decode([i + 1]));
  return { files: Object.fromEntries(files), context, characters };
}
