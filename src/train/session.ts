import { wholeNumber } from '../check.js';
import type { CompiledModule } from '../emit/compile.js';
import { DataError, DivergedError, OptionError } from '../errors.js';
import { IN_NODE } from '../host.js';
import { numel } from '../shape.js';
import { calibrate } from './calibrate.js';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';
import { batchesOf, checkBatch, checkColumns, convert, rowsPerBatch } from './columns.js';
import { type EntryDescription, LEARNING_RATE, type ProgramDescription } from './description.js';
import type { Diagnostics, Recorder } from './diagnostics.js';
import type { Columns, Engine, Numbers } from './engine.js';
import { meanLoss } from './evaluate.js';
import { macrotask } from './macrotask.js';

/** A rate for all steps, or one for each: `step` counts from 0 over the session's life. */
export type LearningRate = number | ((step: number) => number);

export interface RunOptions {
  /** How many steps to take now. */
  steps: number;
  lr: LearningRate;
  /** Report after this many steps; by default about a hundred times in the run. */
  every?: number;
  /** Ends the run between two calls into the engine. */
  signal?: AbortSignal;
}

export interface Progress {
  /** Steps taken since the session began (or since the checkpoint's beginning). */
  at: number;
  /** Loss of the last step. */
  loss: number;
  /** Loss of each step since the last report. */
  losses: number[];
  stepsPerSecond: number;
}

/** Steps in one call into the engine, at most. */
export const MAX_CHUNK = 4096;
const CHUNK_MS = 50;
const SNAPSHOT_MS = 1000;

/** A model in training: parameters, data and the place in the run. Made by `compile()` or `interpret()`. */
export class Session {
  /** Steps taken so far. */
  at = 0;
  /** What there is to know of its threads where they are fewer than were asked for, or more than can run at a time. */
  threadNote: string | null = null;
  private rows = 0;
  private closed = false;
  private lastGood: Snapshot | null = null;
  /** Whether single steps were taken since that. */
  private stepped = false;

  constructor(
    readonly program: ProgramDescription,
    private readonly engine: Engine,
    readonly seed: number,
    /** What the compiled engine runs, with every stage of its compilation; null on the tape. */
    readonly module: CompiledModule | null = null,
    private recorder: Recorder | null = null,
  ) {}

  get kind(): 'compiled' | 'tape' {
    return this.engine.kind;
  }

  get threads(): number {
    return this.engine.threads;
  }

  /** Number of trained elements. */
  get parameterCount(): number {
    return this.program.variables
      .filter((v) => v.role === 'parameter')
      .reduce((n, v) => n + numel(v.shape), 0);
  }

  /** Sets the dataset: each part of the batch with its rows one after the other. Copied once. */
  data(columns: Columns): void {
    this.open();
    const { checked, rows } = checkColumns(this.entry('train'), columns, LEARNING_RATE);
    const batch = rowsPerBatch(this.entry('train'));
    if (rows < batch) throw new DataError(`data: ${rows} rows are fewer than a batch of ${batch}`);
    this.engine.setData(checked, rows);
    this.rows = rows;
  }

  /**
   * One step: on `batch` if given, else on rows drawn from the dataset. Returns the loss. Throws DivergedError
   * when it is not finite; the parameters are then back where they were at most a second before.
   */
  step(options: { lr: number; batch?: Columns }): number {
    this.open();
    const { batch } = options;
    const lr = checkRate(options.lr, this.at);
    const checked = batch && checkBatch(this.entry('train'), batch, LEARNING_RATE);
    if (!checked) this.needData();
    const candidate = this.snapshotIfDue();
    const looked = this.look(checked);
    const loss = checked ? this.engine.trainOn(checked, lr) : this.engine.step(this.at, lr);
    this.keepOrGoBack(candidate, loss, loss, 1);
    looked?.(loss);
    this.at++;
    // A later run that diverges goes back to after this step.
    this.stepped = true;
    return loss;
  }

  /** Many steps on drawn batches; yields progress. Throws DivergedError when a loss is not finite. */
  async *run(options: RunOptions): AsyncGenerator<Progress, void, void> {
    this.open();
    this.needData();
    const { steps, lr, signal } = options;
    wholeNumber('run: steps', steps, 0);
    const every = wholeNumber('run: every', options.every ?? Math.max(1, Math.round(steps / 100)));
    const end = this.at + steps;
    let losses: number[] = [];
    let chunk = 1;
    let reported = performance.now();
    while (this.at < end && !signal?.aborted && !this.closed) {
      const untilReport = every - losses.length;
      const n = Math.min(chunk, untilReport, end - this.at, MAX_CHUNK);
      const started = performance.now();
      const made = this.advance(n, lr);
      for (const loss of made) losses.push(loss);
      const took = performance.now() - started;
      chunk = Math.max(
        1,
        Math.min(MAX_CHUNK, Math.round((made.length * CHUNK_MS) / Math.max(took, 0.01)), chunk * 8),
      );
      if (losses.length >= every || this.at === end) {
        const now = performance.now();
        yield {
          at: this.at,
          loss: losses.at(-1)!,
          losses,
          stepsPerSecond: (losses.length * 1000) / (now - reported),
        };
        losses = [];
        reported = performance.now();
      }
      await macrotask();
    }
    if (losses.length) {
      const seconds = (performance.now() - reported) / 1000;
      yield { at: this.at, loss: losses.at(-1)!, losses, stepsPerSecond: losses.length / seconds };
    }
  }

  /** Mean loss over rows, with the model in use mode. Rows must not influence each other. */
  evaluate(columns: Columns): number {
    this.open();
    return meanLoss(this.engine, batchesOf(this.entry('evaluate'), columns));
  }

  /**
   * Sets the running statistics of every batch norm to the exact ones over these rows, those of the training set as a
   * rule: a pass over them for each norm, in the order in which the model runs them (see train/calibrate.ts).
   * Columns are as for `evaluate`.
   */
  calibrate(columns: Columns): void {
    this.open();
    const { calibration = [], name } = this.program;
    if (calibration.length === 0) throw new OptionError(`calibrate: ${name} has no batch norm`);
    calibrate(this.engine, calibration, batchesOf(this.entry('calibrate'), columns));
    // Going back to before this would undo it.
    this.lastGood = null;
  }

  /** The output of `predict` for these inputs, row-major. */
  predict(inputs: Columns): Numbers {
    this.open();
    return this.engine.predict(checkBatch(this.entry('predict'), inputs));
  }

  /** Gradients of the last step by parameter, where the step was made with keepGradients. */
  gradients(): Record<string, Numbers> {
    this.open();
    return this.engine.gradients();
  }

  /** What was seen of the steps that diagnostics looked at, where the step was made with them. */
  diagnostics(): Diagnostics {
    if (!this.recorder)
      throw new OptionError(`${this.program.name} has no diagnostics: set them in trainStep`);
    return this.recorder.diagnostics();
  }

  /** Names of the variables, parameters first as the model holds them. */
  names(role?: 'parameter' | 'state'): string[] {
    return this.program.variables.filter((v) => !role || v.role === role).map((v) => v.name);
  }

  /** The elements of a variable: with the compiled engine a view of its memory. */
  read(name: string): Numbers {
    this.open();
    this.variable(name);
    return this.engine.read(name);
  }

  write(name: string, values: ArrayLike<number>): void {
    this.open();
    const { dtype, shape } = this.variable(name);
    this.engine.write(name, convert(name, values, { dtype, shape }, numel(shape)));
    // Going back to before this would undo it.
    this.lastGood = null;
  }

  /** Everything a run needs to go on, as a safetensors file. */
  checkpoint(): Uint8Array {
    this.open();
    const { at: step, seed } = this;
    return encodeCheckpoint(this.program.variables, (name) => this.engine.read(name), { step, seed });
  }

  /** Takes the variables and the place in the run from a checkpoint; nothing changes if it does not fit. */
  restore(bytes: Uint8Array): void {
    this.open();
    // All of it is checked before any is written: an error must leave the session as it was.
    const { step, values } = decodeCheckpoint(bytes, this.program.variables);
    for (const [name, elements] of values) this.engine.write(name, elements);
    this.at = step;
    this.recorder?.forget(step);
    this.lastGood = null;
  }

  /** Writes a checkpoint; the file is complete or untouched. */
  async save(path: string): Promise<void> {
    if (!IN_NODE) throw new OptionError('save: a page has no files: keep the bytes of checkpoint()');
    const { writeFileAtomic } = await import('../data/files.js');
    await writeFileAtomic(path, this.checkpoint());
  }

  async load(path: string): Promise<void> {
    if (!IN_NODE)
      throw new OptionError('load: a page has no files: give the bytes of a checkpoint to restore()');
    const { readBytes } = await import('../data/files.js');
    this.restore(await readBytes(path));
  }

  /**
   * Runs `f`, whatever it does to the session or throws, and then puts every variable (parameters, running statistics,
   * the optimizer's state) and the place in the run back, bit for bit. Nothing else may use the session meanwhile.
   */
  async trial<T>(f: () => Promise<T>): Promise<T> {
    this.open();
    const { lastGood, stepped, recorder } = this;
    const before = this.snapshot();
    this.recorder = null;
    try {
      return await f();
    } finally {
      if (!this.closed && !this.engine.failure) {
        this.goBack(before);
        Object.assign(this, { lastGood, stepped });
      }
      this.recorder = recorder;
    }
  }

  /** Ends the session's workers. Calling it again does nothing. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.engine.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** So many steps, or fewer where diagnostics want to look in between. */
  private advance(n: number, lr: LearningRate): Float32Array | Float64Array {
    const rates = new Float32Array(this.recorder ? Math.min(n, this.recorder.until(this.at) || 1) : n);
    if (typeof lr !== 'function') rates.fill(checkRate(lr, this.at));
    else for (let i = 0; i < rates.length; i++) rates[i] = checkRate(lr(this.at + i), this.at + i);
    const candidate = this.stepped ? this.snapshot() : this.snapshotIfDue();
    this.stepped = false;
    const looked = this.look();
    const losses = this.engine.advance(this.at, rates);
    this.keepOrGoBack(candidate, losses[0], losses[losses.length - 1], losses.length);
    looked?.(losses[0]);
    this.at += losses.length;
    return losses;
  }

  /** Looks at the model before a step, if diagnostics want this one; the function that it returns, after the step. */
  private look(batch?: Record<string, Numbers>): ((loss: number) => void) | undefined {
    if (!this.recorder || this.recorder.until(this.at) > 0) return undefined;
    return this.recorder.begin(this.at, batch ?? this.engine.draw(this.at));
  }

  /** The variables as they are, if what is kept of them is too old. */
  private snapshotIfDue(): Snapshot | null {
    const due = !this.lastGood || performance.now() - this.lastGood.time > SNAPSHOT_MS;
    return due ? this.snapshot() : null;
  }

  /** After some steps: keeps the snapshot made before them if their first loss is finite, and goes back if their last is not. */
  private keepOrGoBack(candidate: Snapshot | null, first: number, last: number, steps: number): void {
    if (candidate && (Number.isFinite(first) || !this.lastGood)) this.lastGood = candidate;
    if (Number.isFinite(last)) return;
    const step = this.at + steps;
    const good = this.lastGood!;
    this.goBack(good);
    throw new DivergedError(step, last, good.at);
  }

  private goBack({ at, values }: Snapshot): void {
    for (const [name, elements] of values) this.engine.write(name, elements);
    this.at = at;
    this.recorder?.forget(at);
  }

  private snapshot(): Snapshot {
    const values = this.program.variables.map((v) => [v.name, this.engine.read(v.name).slice()] as const);
    return { at: this.at, time: performance.now(), values: new Map(values) };
  }

  /** What this session can do under a name, or an error that says why it cannot. */
  private entry(name: 'train' | 'evaluate' | 'calibrate' | 'predict'): EntryDescription {
    const { entries, name: program } = this.program;
    const entry = entries[name];
    if (entry) return entry;
    const names = Object.keys(entries);
    const mend = name === 'predict' ? 'define it in trainStep, and ' : '';
    throw new OptionError(
      `${program} has no ${name}, only ${names.join(' and ')}: ${mend}name it in --entry where it is compiled ahead of time`,
    );
  }

  private variable(name: string) {
    const found = this.program.variables.find((v) => v.name === name);
    if (!found) throw new OptionError(`there is no variable ${name}; there are ${this.names().join(', ')}`);
    return found;
  }

  private open(): void {
    if (this.closed) throw new OptionError('this session is closed');
    if (this.engine.failure) throw this.engine.failure;
  }

  private needData(): void {
    this.entry('train');
    if (this.rows === 0)
      throw new OptionError('there is no dataset: call data(...) first, or give step a batch');
  }
}

interface Snapshot {
  at: number;
  time: number;
  values: ReadonlyMap<string, Numbers>;
}

/** A learning rate is a number from 0; negative ones would climb. */
function checkRate(lr: number, step: number): number {
  if (typeof lr !== 'number' || !(lr >= 0) || !Number.isFinite(lr)) {
    throw new OptionError(`the learning rate must be a number from 0, got ${lr} at step ${step + 1}`);
  }
  return lr;
}
