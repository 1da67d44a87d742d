import { checkOptions } from '../check.js';
import { ASYNC_DISPOSE } from '../closing.js';
import type { CompiledModule } from '../emit/compile.js';
import { OptionError } from '../errors.js';
import { calibrate } from './calibrate.js';
import { checkpointBytes, decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';
import { loadFile, saveFile } from './checkpoint-file.js';
import { checkBatch, checkGradients, elementsOf } from './columns.js';
import { checkDataset, type DataOptions } from './dataset.js';
import {
  entryOf,
  gradientsIn,
  LEARNING_RATE,
  type ProgramDescription,
  parameterCount,
  sessionText,
  useOf,
  variableOf,
} from './description.js';
import type { Diagnostics, Recorder } from './diagnostics.js';
import type { Columns, Engine, Losses, Numbers, Wide } from './engine.js';
import { evaluateRows, type Totals } from './evaluate.js';
import type { Evaluation } from './metrics.js';
import { goingOn, noDataset, notBegun } from './refusals.js';
import { once, Run, reportsOf } from './run.js';
import { checkRate, checkRun, type Progress, type RunOptions, ratesOf } from './run-options.js';
import type { ColumnsOf } from './typed-columns.js';
import type { Named, NameOf } from './typed-names.js';
import type { InputsOf, OutputsOf, PredictionOf, UseNamed } from './typed-uses.js';
import { useRows } from './use-rows.js';
import { WayBack } from './way-back.js';

export type { LearningRate, Progress, RunOptions } from './run-options.js';

/**
 * A model in training, made by `compile()` or `interpret()`. `R`: its metrics; `B`: types of its batch; `P`, `E`: what `predict` and the
 * user's entries take and make; `N`: names of its variables.
 * @example
 * ```ts
 * import { f32, nn, optim, Session, trainStep } from '2headgrad';
 * const [model, batch] = [nn.linear(1, 1), { x: f32(2, 1) }];
 * const step = trainStep({ model, batch, loss: (model, { x }) => model(x).mean(), optimizer: optim.sgd() });
 * console.log(step.interpret() instanceof Session); // true
 * ```
 */
// biome-ignore lint/suspicious/noExplicitAny: a session of any step.
export class Session<R = any, B = any, P = any, E = any, N = any> {
  /** Steps taken so far. */
  at = 0;
  /** What there is to know of its threads where they are fewer than were asked for, or more than can run at a time. */
  threadNote: string | null = null;
  /** Where wide vectors were asked for (`compile({ wide: true })`): whether it has them, and why or why not. */
  wide: Wide | null = null;
  private rows = 0;
  private closed = false;
  private readonly wayBack: WayBack;
  /** What has the session for itself: a run whose steps are not all taken, or a trial. */
  private busy: 'run' | 'trial' | null = null;
  /** Runs that were made and not begun, the oldest first. */
  private readonly waiting = new Set<symbol>();
  /** Loss of the last step in this session. */
  private lastLoss: number | null = null;

  /** @internal */
  constructor(
    readonly program: ProgramDescription,
    private readonly engine: Engine,
    /** What the compiled engine runs, with every stage of its compilation; null on the tape. */
    readonly module: CompiledModule | null = null,
    private recorder: Recorder | null = null,
  ) {
    this.wayBack = new WayBack(program.variables, engine, {
      place: () => ({ at: this.at, loss: this.lastLoss }),
      goTo: (at) => {
        this.at = at;
        this.recorder?.forget(at);
      },
    });
  }

  get kind(): 'compiled' | 'tape' {
    return this.engine.kind;
  }

  get threads(): number {
    return this.engine.threads;
  }

  /** Of the batches that are drawn: that of the checkpoint, once one was restored that has one. */
  get seed(): number {
    return this.engine.seed;
  }

  /** Number of trained elements. */
  get parameterCount(): number {
    return parameterCount(this.program);
  }

  /** Sets the dataset: each part of the batch with its rows one after the other. Copied once. */
  data(columns: ColumnsOf<B>, options: DataOptions = {}): void {
    this.ready('data');
    const { checked, rows, inOrder } = checkDataset(entryOf(this.program, 'train'), columns, options);
    this.engine.setData(checked, rows, inOrder);
    this.rows = rows;
  }

  /**
   * One step: on `batch` if given, else on rows drawn from the dataset. Returns the loss. Throws DivergedError
   * when it is not finite; the parameters are then back where they were at most a second before. Throws DataError when
   * the model makes an index that is outside of its table; the parameters are then as they were before the step.
   */
  step(options: { lr: number; batch?: ColumnsOf<B> | undefined }): number {
    this.ready('step');
    if (this.busy === 'run') this.refuse('step');
    checkOptions('step', options, ['lr', 'batch']);
    const { batch } = options ?? {};
    const lr = checkRate(options?.lr, this.at);
    const checked = batch && checkBatch(entryOf(this.program, 'train'), batch, LEARNING_RATE);
    if (!checked) this.needData();
    const candidate = this.wayBack.beforeStep();
    const looked = this.look(checked);
    const loss = checked ? this.engine.trainOn(checked, lr) : this.engine.step(this.at, lr);
    this.wayBack.keepOrGoBack(candidate, loss, loss, 1);
    looked?.(loss);
    this.at++;
    this.lastLoss = loss;
    // A later run that diverges goes back to after this step.
    this.wayBack.afterStep();
    return loss;
  }

  /**
   * Many steps on drawn batches: iterate over it for reports, or await it for the last one; it begins with that. Throws
   * DivergedError when a loss or a parameter is not finite, and else as `step` does; after an index outside of its
   * table the session is some hundredths of a second before that step.
   *
   * Between reports the session may evaluate, predict, read, write and save; `step`, `load`, `restore` and another run
   * are refused until the run has ended or its loop was left. `close` ends the run as its signal does. A run that is neither awaited
   * nor iterated over trains nothing: whatever the session is asked next says so.
   */
  run(options: RunOptions<B, R>): Run<R> {
    const made = Symbol();
    this.waiting.add(made);
    return new Run<R>(this.reports(options, made));
  }

  private async *reports(options: RunOptions, made: symbol): AsyncGenerator<Progress, void, void> {
    const [oldest] = this.waiting;
    this.waiting.delete(made);
    this.open();
    if (oldest !== made) throw notBegun('run');
    if (this.busy === 'run') this.refuse('run');
    this.needData();
    checkRun(this.program, options);
    const outer = this.busy;
    const free = once(() => {
      this.busy = outer;
    });
    this.busy = 'run';
    try {
      yield* reportsOf(options, {
        at: () => this.at,
        isOpen: () => !this.closed,
        evaluate: (columns) => evaluateRows(this.engine, this.program, columns).result(),
        advance: (n) => this.advance(n, options.lr),
        check: () => this.wayBack.check(),
        mark: () => this.wayBack.mark(),
        free,
      });
    } finally {
      free();
    }
  }

  /**
   * The loss and the gradients of a batch, given or drawn as `step` does, by parameter, of a step made with `separate`.
   * Parameters and the optimizer stay; what the model itself keeps (running statistics, the place in dropout's random
   * numbers) moves on. `update` with these gradients then gives the bits of `step`. Throws as `step` does.
   */
  backward(batch?: ColumnsOf<B>): { loss: number; gradients: Record<string, Numbers> } {
    this.ready('backward');
    if (this.busy === 'run') this.refuse('backward');
    const entry = entryOf(this.program, 'gradients');
    if (!batch) this.needData();
    const checked = batch ? checkBatch(entry, batch) : this.engine.draw(this.at);
    const candidate = this.wayBack.beforeStep();
    const made = this.engine.backward(checked);
    this.wayBack.afterStep();
    this.wayBack.keepOrGoBack(candidate, made.loss[0], made.loss[0], 1);
    return { loss: made.loss[0], gradients: gradientsIn(made) };
  }

  /** One step of the optimizer with these gradients, all that `backward` gives, of a step made with `separate`. */
  update(gradients: Readonly<Record<string, ArrayLike<number>>>, options: { lr: number }): void {
    this.ready('update');
    if (this.busy === 'run') this.refuse('update');
    checkOptions('update', options, ['lr']);
    const lr = checkRate(options?.lr, this.at);
    const checked = checkGradients(entryOf(this.program, 'update'), gradients);
    const candidate = this.wayBack.beforeStep();
    this.engine.update(checked, lr);
    this.wayBack.keep(candidate);
    this.at++;
    this.wayBack.afterStep();
  }

  /**
   * Mean loss over rows, however many, in use mode: a number, or `{ loss, ... }` with the metrics that the step names (`evaluate`
   * of trainStep). Rows must not influence each other.
   */
  evaluate(columns: ColumnsOf<B>): Evaluation<R> {
    const all = this.measure(columns).result();
    return (this.program.metrics ? all : all.loss) as Evaluation<R>;
  }

  /** The same as sums that those of other rows can be added to. @internal */
  measure(columns: ColumnsOf<B>): Totals {
    this.ready('evaluate');
    return evaluateRows(this.engine, this.program, columns);
  }

  /**
   * Sets the running statistics of every batch norm to the exact ones over these rows, those of the training set as a
   * rule: a pass over them for each norm, in the order in which the model runs them (see train/calibrate.ts).
   * Columns are as for `evaluate`.
   */
  calibrate(columns: ColumnsOf<B>): void {
    this.ready('calibrate');
    calibrate(this.engine, this.program, columns);
    // Going back to before this would undo it.
    this.wayBack.forget();
  }

  /** What the step's `predict` makes of these, row-major; several outputs by name. Any number of rows, none too, as `invoke`. */
  predict(inputs: InputsOf<P>): PredictionOf<P> {
    const made = this.invoke('predict', inputs as never) as unknown as Record<string, Numbers>;
    return (Object.keys(made).join() === 'output' ? made.output : made) as PredictionOf<P>;
  }

  /**
   * The outputs, by name and row-major, of an entry of the user's (see `entries` of trainStep); one alone is `output`. Where inputs and
   * outputs have as many rows, and nothing is assigned to, any number of rows may be given, which must not influence each other.
   */
  invoke<K extends (keyof E & string) | 'predict'>(
    entry: K,
    inputs: InputsOf<UseNamed<K, P, E>>,
  ): OutputsOf<UseNamed<K, P, E>> {
    this.ready(entry);
    return useRows(this.engine, entry, useOf(this.program, entry), inputs as Columns) as never;
  }

  /** Gradients of the last step by parameter, where the step was made with keepGradients. */
  gradients(): Record<string, Numbers> {
    this.ready('gradients');
    if (entryOf(this.program, 'train').outputs.length === 1)
      throw new OptionError(`${this.program.name} keeps no gradients: set keepGradients: true in trainStep`);
    if (this.lastLoss === null) throw new OptionError('gradients: no step was taken yet in this session');
    return this.engine.gradients();
  }

  /** What was seen of the steps that diagnostics looked at, where the step was made with them. */
  diagnostics(): Diagnostics {
    if (!this.recorder)
      throw new OptionError(`${this.program.name} has no diagnostics: set them in trainStep`);
    return this.recorder.diagnostics();
  }

  /** Names of the variables, parameters first as the model holds them. */
  names(role?: 'parameter' | 'state'): NameOf<N>[] {
    return this.program.variables.filter((v) => !role || v.role === role).map((v) => v.name as NameOf<N>);
  }

  /**
   * The elements of a variable, row by row: with the compiled engine a view of its memory, or a copy where they lie in
   * another order there. To change them there is `write`.
   */
  read<K extends string>(name: Named<K, N>): Numbers {
    this.ready('read');
    variableOf(this.program, name);
    return this.engine.read(name);
  }

  write<K extends string>(name: Named<K, N>, values: ArrayLike<number>): void {
    this.ready('write');
    this.engine.write(name, elementsOf(variableOf(this.program, name), values));
    // Going back to before this would undo it.
    this.wayBack.forget();
  }

  /**
   * Everything a run needs to go on, as a safetensors file. Throws DivergedError, and puts the parameters back, where
   * one is not finite. `about`: more to keep in the file's metadata.
   */
  checkpoint(about: Readonly<Record<string, string>> = {}): Uint8Array {
    this.ready('checkpoint');
    this.wayBack.check();
    const { at: step, seed } = this;
    return encodeCheckpoint(this.program.variables, (name) => this.engine.read(name), { step, seed, about });
  }

  /** Goes on from a checkpoint, with its place and seed and the same bits; nothing changes if it does not fit. */
  restore(given: Uint8Array | ArrayBuffer): void {
    this.ready('restore');
    const bytes = checkpointBytes(given);
    if (this.busy === 'run') this.refuse('restore');
    // All of it is checked before any is written: an error must leave the session as it was.
    const { step, seed, values } = decodeCheckpoint(bytes, this.program.variables);
    for (const [name, elements] of values) this.engine.write(name, elements);
    if (seed !== null) this.engine.seed = seed;
    this.at = step;
    this.recorder?.forget(step);
    this.wayBack.forget();
  }

  /** Writes a checkpoint; the file is complete or untouched. */
  async save(path: string): Promise<void> {
    await saveFile(path, () => this.checkpoint());
  }

  /** As `restore`, from a file. */
  async load(path: string): Promise<void> {
    this.restore(await loadFile(path));
  }

  /**
   * Runs `f`, whatever it does to the session or throws, and then puts every variable (parameters, running statistics,
   * the optimizer's state) and the place in the run back, bit for bit. Nothing else may use the session meanwhile.
   */
  async trial<T>(f: () => Promise<T>): Promise<T> {
    this.ready('trial');
    if (this.busy) this.refuse('trial');
    const { recorder } = this;
    const putBack = this.wayBack.mark();
    this.recorder = null;
    this.busy = 'trial';
    try {
      return await f();
    } finally {
      if (!this.closed && !this.engine.failure) putBack();
      this.recorder = recorder;
      this.busy = null;
    }
  }

  /** Ends the session's workers. Calling it again does nothing. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.engine.close();
    if (this.waiting.size > 0) throw notBegun('close');
  }

  /** What `console.log` shows in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return sessionText(this, this.closed);
  }

  async [ASYNC_DISPOSE](): Promise<void> {
    await this.close();
  }

  /** So many steps, or fewer where diagnostics want to look in between. */
  private async advance(n: number, lr: RunOptions['lr']): Promise<Losses> {
    const rates = ratesOf(lr, this.at, this.recorder ? Math.min(n, this.recorder.until(this.at) || 1) : n);
    const candidate = this.wayBack.beforeMany();
    const looked = this.look();
    const losses = await this.engine.advance(this.at, rates);
    this.wayBack.keepOrGoBack(candidate, losses[0], losses[losses.length - 1], losses.length);
    looked?.(losses[0]);
    this.at += losses.length;
    this.lastLoss = losses[losses.length - 1];
    return losses;
  }

  /** Looks at the model before a step, if diagnostics want this one; the function that it returns, after the step. */
  private look(batch?: Record<string, Numbers>): ((loss: number) => void) | undefined {
    if (!this.recorder || this.recorder.until(this.at) > 0) return undefined;
    return this.recorder.begin(this.at, batch ?? this.engine.draw(this.at));
  }

  private open(): void {
    if (this.closed) throw new OptionError('this session is closed');
    if (this.engine.failure) throw this.engine.failure;
  }

  /** Whether it is open, and no run was forgotten that was to come before. */
  private ready(what: string): void {
    this.open();
    if (this.waiting.size > 0) throw notBegun(what);
  }

  private refuse(what: string): never {
    throw goingOn(what, this.busy);
  }

  private needData(): void {
    entryOf(this.program, 'train');
    if (this.rows === 0) throw noDataset();
  }
}
