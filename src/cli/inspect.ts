import { writeFileAtomic } from '../data/files.js';
import type { Stage } from '../emit/stages.js';
import { OptionError } from '../errors.js';
import type { AnyTrainStep } from '../run/train-step.js';
import { canBeDrawn, MOST_DRAWN } from './drawn.js';
import { kindOf, kindsWith } from './kinds/index.js';
import { type Kind, refuseOthers, settingsFrom } from './kinds/kind.js';
import { count, note, text } from './output.js';
import { optionSettings, type SettingValues } from './own-settings.js';
import type { RunSettings, Settings } from './settings.js';
import { buildStep, loadTask } from './task.js';

export interface InspectOptions extends Settings {
  stage?: Stage;
  svg?: string;
  data?: string;
  memory?: number;
  export?: string;
  set?: SettingValues;
}

/** Prints a stage of the compilation, draws the graph of the training step, or both. */
export async function inspect(
  what: string,
  { stage, svg, data, export: exported, set, memory, ...given }: InspectOptions,
): Promise<number> {
  const kind = await kindOf(what, exported, optionSettings(set));
  refuseOthers(kind, given, kindsWith(kind));
  const settings = settingsFrom(kind, given);
  kind.check(settings);
  const step = await stepOf(kind, data ?? null, settings);
  const module = await step.compileModule({ memory });
  if (svg !== undefined) {
    const { train } = module.graphs;
    if (!canBeDrawn(train))
      throw new OptionError(
        `--svg ${svg}: the graph has ${count(train.nodes.length)} nodes, and can be laid out with at most ${MOST_DRAWN}: print it by --stage graph, or draw a smaller model`,
      );
    const [{ graphToDot }, { dotToSvg }] = await Promise.all([
      import('../graph/dot.js'),
      import('../report/graphviz.js'),
    ]);
    await writeFileAtomic(svg, await dotToSvg(graphToDot(train)));
    note(`Drawn: ${svg}`);
  }
  if (stage || svg === undefined) text(await module.text(stage ?? 'graph'));
  return 0;
}

/** The training step, traced. That of a model file needs no data; others have their vocabulary from these. */
async function stepOf(kind: Kind, data: string | null, settings: RunSettings): Promise<AnyTrainStep> {
  const kept = kind.keptNow?.() ?? (await loadTask(kind, data, settings)).kept;
  return buildStep(kind, kept, settings);
}
