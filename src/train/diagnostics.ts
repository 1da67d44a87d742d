import { checkOptions, wholeNumber } from '../check.js';
import type { Shape } from '../shape.js';
import { layerOutput, type ProgramDescription } from './description.js';
import type { Engine, Numbers } from './engine.js';

// What training does to the numbers of a model, looked at every few steps. The training step itself is left alone: a
// second entry of the program makes the activations and gradients of a step's batch once more, before that step, and
// they are read out and counted here, in float64, the same for both engines. So the bits of training cannot change,
// steps that are not looked at cost nothing, and the module needs no code for statistics.

/** How numbers are distributed. */
export interface Spread {
  mean: number;
  std: number;
  /** Counts in bins of equal width from the least to the largest finite number. */
  low: number;
  high: number;
  counts: number[];
  /** Numbers that are infinite or NaN; the others stand without them. */
  notFinite: number;
}

/** The output of a layer, or of an activation function in one, for one batch. */
export interface LayerDiagnosis {
  /** Its path in the model, such as `layers.3`. */
  name: string;
  /** The op that made it, such as `tanh`. */
  op: string;
  activation: Spread;
  /** Of the loss with respect to it; null where none flows through it. */
  gradient: Spread | null;
  /** Share of the elements where a tanh is within 0.03 of its ends (a sigmoid as near to its own); null for other ops. */
  saturated: number | null;
  /** Share of the units that pass no gradient for any row of the batch: relu never positive, tanh or sigmoid saturated; else null. */
  dead: number | null;
}

export interface ParameterDiagnosis {
  name: string;
  shape: Shape;
  /** Before the step. */
  data: { mean: number; std: number };
  /** Null where the loss does not depend on it. */
  gradient: Spread | null;
  /** What the step added to it, whatever optimizer it was. */
  update: { mean: number; std: number };
  /** log10(std(gradient) / std(data)); null where either is 0. */
  gradientToData: number | null;
  /** log10(std(update) / std(data)); about -3 where training goes well. */
  updateToData: number | null;
}

/** A step that was looked at. */
export interface DiagnosticsRecord {
  /** Steps taken before it. */
  at: number;
  loss: number;
  layers: LayerDiagnosis[];
  parameters: ParameterDiagnosis[];
}

export interface Diagnostics {
  /** Steps from one that was looked at to the next. */
  every: number;
  records: DiagnosticsRecord[];
}

/** Looks at some of a session's steps. */
export interface Recorder {
  /** Steps until one is looked at; 0 if that is the next. */
  until(at: number): number;
  /** Looks at the model before step `at` on this batch; the function that it returns, after the step. */
  begin(at: number, batch: Record<string, Numbers>): (loss: number) => void;
  /** The run went back to step `at`. */
  forget(at: number): void;
  diagnostics(): Diagnostics;
}

/** As makemore has it. */
const SATURATED = 0.97;
const BINS = 100;
/** More records than these are thinned to every other one. */
const MOST = 1000;
export const EVERY = 100;

export function createRecorder(program: ProgramDescription, engine: Engine): Recorder | null {
  return program.diagnostics ? new StepRecorder(program, engine, program.diagnostics) : null;
}

class StepRecorder implements Recorder {
  private records: DiagnosticsRecord[] = [];
  private readonly first: number;
  private every: number;

  constructor(
    private readonly program: ProgramDescription,
    private readonly engine: Engine,
    { first, every }: { first: number; every: number },
  ) {
    this.first = first;
    this.every = every;
  }

  until(at: number): number {
    const since = (at - this.first) % this.every;
    return since > 0 ? this.every - since : -since;
  }

  begin(at: number, batch: Record<string, Numbers>): (loss: number) => void {
    const { engine, program } = this;
    const made = engine.diagnose(batch);
    const layers = program.diagnostics!.layers.map(({ name, op }): LayerDiagnosis => {
      const { activation, gradient } = layerOutput(name);
      const { shape } = program.entries.diagnose.outputs.find((o) => o.name === activation)!;
      return {
        ...{ name, op, activation: spreadOf(made[activation]) },
        gradient: gradient in made ? spreadOf(made[gradient]) : null,
        ...saturation(made[activation], shape.at(-1) ?? 1, op),
      };
    });
    const before = program.variables
      .filter((v) => v.role === 'parameter' && !v.frozen)
      .map(({ name, shape }) => {
        const gradient = made[`gradient.${name}`];
        return {
          name,
          shape,
          old: engine.read(name).slice(),
          gradient: gradient ? spreadOf(gradient) : null,
        };
      });
    return (loss) => {
      const parameters = before.map(({ name, shape, old, gradient }): ParameterDiagnosis => {
        const now = engine.read(name);
        const data = moments(old);
        const update = moments(Float64Array.from(old, (value, i) => now[i] - value));
        return {
          ...{ name, shape, data, gradient, update },
          gradientToData: gradient && ratio(gradient.std, data.std),
          updateToData: ratio(update.std, data.std),
        };
      });
      this.keep({ at, loss, layers, parameters });
    };
  }

  forget(at: number): void {
    this.records = this.records.filter((record) => record.at < at);
  }

  diagnostics(): Diagnostics {
    return { every: this.every, records: structuredClone(this.records) };
  }

  private keep(record: DiagnosticsRecord): void {
    this.forget(record.at);
    this.records.push(record);
    if (this.records.length <= MOST) return;
    // So the memory of a long run is bounded, and its records stay evenly spaced.
    this.every *= 2;
    this.records = this.records.filter(({ at }) => (at - this.first) % this.every === 0);
  }
}

function moments(values: ArrayLike<number>): { mean: number; std: number } {
  let sum = 0;
  let n = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    sum += values[i];
    n++;
  }
  const mean = n > 0 ? sum / n : 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) squares += (values[i] - mean) ** 2;
  return { mean, std: n > 0 ? Math.sqrt(squares / n) : 0 };
}

function spreadOf(values: ArrayLike<number>): Spread {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  if (low > high) low = high = 0;
  const counts = new Array<number>(BINS).fill(0);
  const scale = high > low ? BINS / (high - low) : 0;
  let notFinite = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) notFinite++;
    else counts[Math.min(BINS - 1, Math.floor((values[i] - low) * scale))]++;
  }
  return { ...moments(values), low, high, counts, notFinite };
}

/** Where no gradient passes through an activation function, or hardly one. */
const STUCK: Record<string, (y: number) => boolean> = {
  tanh: (y) => Math.abs(y) > SATURATED,
  sigmoid: (y) => Math.abs(2 * y - 1) > SATURATED,
  relu: (y) => !(y > 0),
};

function saturation(
  values: ArrayLike<number>,
  units: number,
  op: string,
): Pick<LayerDiagnosis, 'saturated' | 'dead'> {
  const stuck = STUCK[op];
  if (!stuck) return { saturated: null, dead: null };
  const alive = new Uint8Array(units);
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (stuck(values[i])) count++;
    else alive[i % units] = 1;
  }
  const dead = 1 - alive.reduce((sum, x) => sum + x, 0) / units;
  return { saturated: op === 'relu' ? null : count / values.length, dead };
}

function ratio(of: number, to: number): number | null {
  return of > 0 && to > 0 ? Math.log10(of / to) : null;
}

/** How often to look, from the option of trainStep; 0 for never. */
export function everyOf(option: boolean | { every?: number } | undefined): number {
  if (!option) return 0;
  if (option !== true) checkOptions('trainStep: diagnostics', option, ['every']);
  return wholeNumber('trainStep: diagnostics: every', option === true ? EVERY : (option.every ?? EVERY));
}
