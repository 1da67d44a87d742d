import { writeFileAtomic } from '../data/files.js';
import type { Stage } from '../emit/stages.js';
import { note, text } from './output.js';
import type { RunSettings } from './settings.js';
import { buildStep, loadTask } from './task.js';

export interface InspectOptions
  extends Pick<RunSettings, 'context' | 'embed' | 'hidden' | 'norm' | 'direct' | 'batch'> {
  stage?: Stage;
  svg?: string;
  data?: string;
}

/** Prints a stage of the compilation, draws the graph of the training step, or both. */
export async function inspect({ stage, svg, data, ...options }: InspectOptions): Promise<number> {
  const { vocabulary } = await loadTask(data ?? null, { ...options, seed: 0 });
  const step = buildStep(vocabulary, options);
  const module = await step.compileModule();
  if (svg !== undefined) {
    const [{ graphToDot }, { dotToSvg }] = await Promise.all([
      import('../graph/dot.js'),
      import('../report/graphviz.js'),
    ]);
    await writeFileAtomic(svg, await dotToSvg(graphToDot(module.graphs.train)));
    note(`Drawn: ${svg}`);
  }
  if (stage || svg === undefined) text(await module.text(stage ?? 'graph'));
  return 0;
}
