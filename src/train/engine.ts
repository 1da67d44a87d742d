export type Numbers = Float32Array | Float64Array | Int32Array;
export type Losses = Float32Array | Float64Array;
export type Columns = Record<string, ArrayLike<number>>;

/**
 * What a session needs of an engine. Both engines draw the same batches for the same seed. Where a model makes an index
 * outside of its table, what runs it throws DataError, and the variables are as they were before the call.
 */
export interface Engine {
  readonly kind: 'compiled' | 'tape';
  readonly threads: number;
  /** Of the batches that are drawn. */
  seed: number;
  /** Keeps a checked dataset; batches are drawn from its `rows`, or are the next ones. */
  setData(columns: Record<string, Numbers>, rows: number, inOrder: boolean): void;
  /**
   * Trains on drawn batches, one step for each learning rate, the first being step `first` (from 0).
   * Returns the losses; fewer than asked for if one is not finite, which is then the last, or if all processes of the training are to
   * end. An engine that waits for other processes gives a promise.
   */
  advance(first: number, learningRates: Float32Array): Losses | Promise<Losses>;
  /** Trains one step, number `at` from 0, on a drawn batch; returns the loss. */
  step(at: number, learningRate: number): number;
  /** Trains one step on this batch; returns the loss. */
  trainOn(batch: Record<string, Numbers>, learningRate: number): number;
  /** The loss of a batch in training, and the gradients as `gradient.NAME`; state of the model moves as in a step. */
  backward(batch: Record<string, Numbers>): Record<string, Numbers>;
  /** A step of the optimizer with gradients, `gradient.NAME`. */
  update(gradients: Record<string, Numbers>, learningRate: number): void;
  /** The loss of a batch in use mode as `loss`, and the step's metrics by name. */
  evaluate(batch: Record<string, Numbers>): Record<string, Numbers>;
  /** The moments of what goes into each batch norm: `mean.0`, `squares.0` and so on, by the program's `calibration`. */
  statistics(batch: Record<string, Numbers>): Record<string, Numbers>;
  /** Runs an entry on its inputs; returns its outputs by name, which are the caller's. */
  invoke(entry: string, inputs: Record<string, Numbers>): Record<string, Numbers>;
  /** The batch that step `at` draws. */
  draw(at: number): Record<string, Numbers>;
  /** Activations and gradients of a batch, as they are now, where the step has diagnostics; nothing changes. */
  diagnose(batch: Record<string, Numbers>): Record<string, Numbers>;
  /** The gradients of the last step, where the step keeps them. */
  gradients(): Record<string, Numbers>;
  /** The current elements of a variable, row by row: a view where the engine has one. */
  read(name: string): Numbers;
  write(name: string, values: Numbers): void;
  /** All that a variable takes in memory, as it lies there: quicker than `read`, for what only comes back. */
  lying(name: string): Numbers;
  putBack(name: string, lying: Numbers): void;
  /** Why the engine can do nothing more, if that is so: then what it holds is not to be relied on. */
  readonly failure?: Error | null;
  close(): Promise<void>;
}

/** What became of wide vectors where they were asked for. */
export interface Wide {
  /** Whether the session's module uses them; its bits are the same either way. */
  readonly used: boolean;
  /** What a trial has found, or why there was none. */
  readonly reason: string;
  /** How many times as many steps a second the module takes with them, on one thread, where that was measured. */
  readonly ratio: number | null;
}
