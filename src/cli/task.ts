import { DataError, OptionError } from '../errors.js';
import type { AnyTrainStep } from '../run/train-step.js';
import { numel } from '../shape.js';
import { Totals } from '../train/evaluate.js';
import type { Evaluated } from '../train/metrics.js';
import type { Session } from '../train/session.js';
import { breathe } from './interrupt.js';
import type { Kept, Kind, Rows, Task } from './kinds/kind.js';
import { count, plural } from './output.js';
import { MODEL } from './run-files.js';
import type { RunSettings } from './settings.js';

/** The data of a run, enough of them for a batch. `named`: see `Kind.load`. */
export async function loadTask(
  kind: Kind,
  file: string | null,
  settings: RunSettings,
  named = true,
): Promise<Task> {
  const task = await kind.load(file, settings, named);
  const batch = kind.batch(settings);
  if (task.rows.rows < batch) {
    const what = 'batch' in settings ? `--batch ${batch}` : `a batch of ${batch}`;
    const unit = plural(task.sizeOf.train ?? 0, kind.unit(settings));
    throw new DataError(
      `${what} is larger than the data: the ${unit} to train on give ${task.rows.rows} rows`,
    );
  }
  return task;
}

/** More would not fit into the memory of a wasm module beside their gradients. */
const MOST_PARAMETERS = 2 ** 28;

/** The training step of the model, traced: from here on its shapes are known to fit. */
export function buildStep(
  kind: Kind,
  kept: Kept,
  settings: RunSettings,
  diagnostics?: { every: number },
): AnyTrainStep {
  const step = untracedStep(kind, kept, settings, diagnostics);
  step.program;
  return step;
}

/** The training step of the model; of a size that memory can hold. */
export function untracedStep(
  kind: Kind,
  kept: Kept,
  settings: RunSettings,
  diagnostics?: { every: number },
): AnyTrainStep {
  const step = kind.step(kept, settings, diagnostics);
  checkMemory(step);
  return step;
}

function checkMemory(step: AnyTrainStep): number {
  const { variables } = step.definition;
  const parameters = variables.filter((v) => v.role === 'parameter').reduce((n, v) => n + numel(v.shape), 0);
  if (parameters > MOST_PARAMETERS) {
    throw new OptionError(
      `the model would have ${count(parameters)} parameters; at most ${count(MOST_PARAMETERS)} are possible`,
    );
  }
  return parameters;
}

/** Throws unless a checkpoint of so many bytes can hold the model, before memory is taken for it. */
export function checkModelSize(step: AnyTrainStep, checkpoint: number): void {
  const parameters = checkMemory(step);
  if (4 * parameters > checkpoint) {
    throw new DataError(
      `the settings are of a model of ${count(parameters)} parameters, which ${MODEL} is too small for: they do not belong together`,
    );
  }
}

/** The loss, and the metrics of the step, over all rows of a part; in pieces, so that a signal is heard in between. */
export async function measure(session: Session, { columns, rows }: Rows, batch: number): Promise<Evaluated> {
  const parts = Object.entries(columns).map(([name, all]) => ({ name, all, width: all.length / rows }));
  const height = Math.min(...parts.map(({ width }) => width));
  // Of large models fewer at once: a piece takes seconds at most.
  const atOnce = Math.min(8192, Math.ceil(8192 / (session.parameterCount / 1e6))) / height;
  const piece = batch * Math.ceil(atOnce / batch);
  const totals = new Totals(session.program);
  for (let start = 0; start < rows; start += piece) {
    const end = Math.min(rows, start + piece);
    const part = parts.map(({ name, all, width }) => [name, sliceOf(all, start * width, end * width)]);
    totals.merge(session.measure(Object.fromEntries(part)));
    await breathe();
  }
  return totals.result();
}

const sliceOf = (all: ArrayLike<number>, start: number, end: number): ArrayLike<number> =>
  ArrayBuffer.isView(all)
    ? (all as Float32Array).subarray(start, end)
    : Array.prototype.slice.call(all, start, end);
