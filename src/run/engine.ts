import { GradError } from '../errors.js';
import { indexError } from '../indices.js';
import {
  align,
  type Buffer,
  CONTROL,
  MAX_COLUMNS,
  type MemoryLayout,
  SLACK,
  sessionBytes,
} from '../plan/layout.js';
import { pack, unpack } from '../plan/panels.js';
import { numel } from '../shape.js';
import { drawnRows } from '../train/columns.js';
import { gradientsIn, LEARNING_RATE } from '../train/description.js';
import type { Engine, Numbers } from '../train/engine.js';
import { type Cells, cellsOf, growTo, memoryOf } from './memory.js';
import type { Exports, Spawn } from './module.js';
import { Pace, type Slice } from './pace.js';
import { Team } from './team.js';
import { processors } from './threads.js';

const TRAIN_JOB = 1;

/** Runs a compiled module: all data lies in one memory, which the typed arrays of the host look into. */
export class CompiledEngine implements Engine {
  readonly kind = 'compiled';
  private readonly team: Team;
  private readonly paces = new Map<number, Pace>();
  private known: Cells;
  private readonly loss: Buffer | undefined;
  private readonly trainJob: number;

  private constructor(
    readonly layout: MemoryLayout,
    readonly memory: WebAssembly.Memory,
    readonly exports: Exports,
    readonly threads: number,
    private readonly jobs: ReadonlyMap<string, number>,
    /** Where the dataset goes. */
    readonly dataset: number,
    team: Team,
  ) {
    this.known = cellsOf(memory.buffer);
    this.team = team;
    this.trainJob = jobs.get('train') ?? 0;
    this.loss = layout.entries.train?.outputs.find((b) => b.name === 'loss');
  }

  /** Sets up the memory and starts the threads. */
  static async start(options: {
    wasm: Uint8Array | WebAssembly.Module;
    layout: MemoryLayout;
    shared: boolean;
    threads: number;
    seed: number;
    initial: ReadonlyMap<string, Numbers>;
    spawn: Spawn;
    /** What a module made for profiling calls with a kernel's place in the order when that kernel is done. */
    mark?(kernel: number): void;
    /** What a module whose steps are cut into shards calls as soon as so many bytes of its first output are there, or to have its host look. */
    reached?(bytes: number): void;
  }): Promise<CompiledEngine> {
    const { layout, shared, threads, seed, initial, spawn } = options;
    const scratch = layout.end;
    const end = sessionBytes(layout, threads);
    const memory = memoryOf(end, shared);
    const module =
      options.wasm instanceof Uint8Array
        ? await WebAssembly.compile(options.wasm as BufferSource)
        : options.wasm;
    const lost = new Uint32Array(memory.buffer, CONTROL.lost, 1);
    const team = new Team(() => Atomics.load(lost, 0) !== 0);
    const instance = await WebAssembly.instantiate(module, {
      env: {
        ...{ memory, abort, late: team.late },
        mark: options.mark ?? (() => {}),
        reached: options.reached ?? (() => {}),
      },
    });
    const exports = instance.exports as unknown as Exports;
    const jobs = new Map(Object.keys(layout.entries).map((entry, i) => [entry, TRAIN_JOB + 1 + i]));
    const engine = new CompiledEngine(layout, memory, exports, threads, jobs, end, team);
    exports.join(0, threads, scratch);
    for (const { address, bytes, dtype, values } of layout.constants)
      engine.fill({ address, bytes, dtype }, values);
    for (const [name, values] of initial) engine.write(name, values);
    engine.seed = seed;
    engine.words[CONTROL.times / 4] = 1;
    const shares = { module, memory, count: threads, scratch, lost: CONTROL.lost };
    await team.start(threads - 1, (index) => spawn({ ...shares, index }));
    return engine;
  }

  get seed(): number {
    return this.words[CONTROL.seed / 4];
  }

  set seed(seed: number) {
    this.words[CONTROL.seed / 4] = seed;
  }

  setData(columns: Record<string, Numbers>, rows: number, inOrder = false): void {
    const batch = this.layout.entries.train.inputs.slice(0, -1);
    if (batch.length > MAX_COLUMNS)
      throw new GradError(`a batch may have ${MAX_COLUMNS} parts, this has ${batch.length}`);
    let end = this.dataset;
    const places = batch.map(({ name }) => {
      const address = end;
      end = align(end + 4 * columns[name].length);
      return address;
    });
    growTo(this.memory, end + SLACK);
    batch.forEach(({ name, dtype }, i) => {
      this.fill({ address: places[i], bytes: 4 * columns[name].length, dtype }, columns[name]);
      this.words[CONTROL.columns / 4 + i] = places[i];
    });
    this.words[CONTROL.rows / 4] = rows;
    this.words[CONTROL.inOrder / 4] = Number(inOrder);
  }

  advance(first: number, learningRates: Float32Array): Float32Array {
    return this.guarded('train', () => this.steps(first, learningRates));
  }

  private steps(first: number, learningRates: Float32Array): Float32Array {
    const steps = learningRates.length;
    const all = new Float32Array(steps);
    const pace = this.pace(TRAIN_JOB);
    for (let at = 0; at < steps; ) {
      const slice = pace.next(steps - at);
      const { words, rates, losses } = this.cells;
      rates.set(learningRates.subarray(at, at + slice.units));
      words[CONTROL.steps / 4] = slice.units;
      words[CONTROL.first / 4] = first + at;
      this.run(TRAIN_JOB, slice);
      this.checkGuards('train');
      const taken = words[CONTROL.taken / 4];
      all.set(losses.subarray(0, taken), at);
      at += taken;
      // A loss that is not finite is the last.
      if (!Number.isFinite(all[at - 1])) return all.slice(0, at);
    }
    return all;
  }

  step(at: number, learningRate: number): number {
    const { words, rates, losses } = this.cells;
    rates[0] = learningRate;
    words[CONTROL.steps / 4] = 1;
    words[CONTROL.first / 4] = at;
    this.train(TRAIN_JOB);
    return losses[0];
  }

  trainOn(batch: Record<string, Numbers>, learningRate: number): number {
    const { inputs } = this.layout.entries.train;
    const { cells } = this;
    const rate = inputs.length - 1;
    for (let i = 0; i < rate; i++) this.view(inputs[i], cells).set(batch[inputs[i].name]);
    this.view(inputs[rate], cells)[0] = learningRate;
    this.train(this.trainJob);
    return this.view(this.loss!, cells)[0];
  }

  backward(batch: Record<string, Numbers>): Record<string, Numbers> {
    return this.guarded('gradients', () => this.invoke('gradients', batch));
  }

  update(gradients: Record<string, Numbers>, learningRate: number): void {
    this.invoke('update', { ...gradients, [LEARNING_RATE]: [learningRate] });
  }

  evaluate(batch: Record<string, Numbers>): Record<string, Numbers> {
    return this.invoke('evaluate', batch);
  }

  statistics(batch: Record<string, Numbers>): Record<string, Numbers> {
    return this.invoke('calibrate', batch);
  }

  draw(at: number): Record<string, Numbers> {
    const batch = this.layout.entries.train.inputs.slice(0, -1);
    const size = batch[0].shape[0] ?? 1;
    const { words } = this;
    const inOrder = words[CONTROL.inOrder / 4] !== 0;
    const picked = drawnRows(this.seed, at, size, words[CONTROL.rows / 4], inOrder);
    return Object.fromEntries(
      batch.map(({ name, dtype, bytes }, part) => {
        const out = dtype === 'f32' ? new Float32Array(bytes / 4) : new Int32Array(bytes / 4);
        const row = bytes / size;
        picked.forEach((from, i) => {
          const address = this.words[CONTROL.columns / 4 + part] + from * row;
          out.set(this.view({ address, bytes: row, dtype }), (i * row) / 4);
        });
        return [name, out];
      }),
    );
  }

  diagnose(batch: Record<string, Numbers>): Record<string, Numbers> {
    return this.invoke('diagnose', batch);
  }

  gradients(): Record<string, Numbers> {
    return gradientsIn(this.outputs('train'));
  }

  read(name: string): Numbers {
    const variable = this.variable(name);
    const { shape, panels } = variable;
    const view = this.view(variable);
    if (!panels) return view;
    const elements = new Float32Array(numel(shape));
    unpack(view, { shape, panels }, elements);
    return elements;
  }

  write(name: string, values: Numbers): void {
    const variable = this.variable(name);
    const { shape, panels } = variable;
    const view = this.view(variable);
    if (panels) pack(values, { shape, panels }, view);
    else view.set(values);
  }

  lying(name: string): Numbers {
    return this.view(this.variable(name));
  }

  putBack(name: string, lying: Numbers): void {
    this.lying(name).set(lying);
  }

  get failure(): Error | null {
    return this.team.failure;
  }

  async close(): Promise<void> {
    await this.team.close(() => this.exports.dismiss());
  }

  /** Fills the inputs of an entry, runs it once, and returns copies of its outputs. */
  invoke(entry: string, inputs: Record<string, ArrayLike<number>>): Record<string, Numbers> {
    this.load(entry, inputs);
    this.repeat(entry, 1);
    return this.outputs(entry);
  }

  /** Fills the inputs of an entry. */
  load(entry: string, inputs: Record<string, ArrayLike<number>>): void {
    for (const buffer of this.layout.entries[entry].inputs) this.view(buffer).set(inputs[buffer.name]);
  }

  /** Runs an entry so many times on the inputs that it has, in one call of the module. */
  repeat(entry: string, times: number): void {
    const job = this.jobs.get(entry)!;
    for (let done = 0; done < times; ) {
      const slice = this.pace(job).next(times - done);
      this.words[CONTROL.times / 4] = slice.units;
      this.run(job, slice);
      done += slice.units;
    }
    this.words[CONTROL.times / 4] = 1;
    this.checkGuards(entry);
  }

  /** Copies of an entry's outputs, as its last run left them. */
  outputs(entry: string): Record<string, Numbers> {
    return Object.fromEntries(this.layout.entries[entry].outputs.map((b) => [b.name, this.view(b).slice()]));
  }

  private train(job: number): void {
    this.guarded('train', () => {
      this.run(job);
      this.checkGuards('train');
    });
  }

  /** Does what moves the variables by an entry, and puts them back if it used an index outside of its table. */
  private guarded<T>(entry: string, move: () => T): T {
    const { variables, entries } = this.layout;
    const before = entries[entry].guards && variables.map((v) => this.view(v).slice());
    try {
      return move();
    } catch (error) {
      before?.forEach((values, i) => {
        this.view(variables[i]).set(values);
      });
      throw error;
    }
  }

  /** Throws DataError if the last run of an entry used an index outside of its table: the first in the user's code. */
  private checkGuards(entry: string): void {
    const { guards } = this.layout.entries[entry];
    if (!guards) return;
    const words = new Int32Array(this.memory.buffer);
    for (const guard of guards) {
      const fault = words[guard.fault / 4];
      if (fault !== 0) throw indexError(guard, words[guard.value / 4], guard.count - fault, guard.where);
    }
  }

  /** Runs a job on as many threads as it is worth now. */
  private run(job: number, slice?: Slice): void {
    if (this.threads === 1) {
      this.exports.run(job, 1);
      return;
    }
    const pace = this.pace(job);
    const { team, units, timed } = slice ?? pace.next(1);
    const began = timed ? performance.now() : 0;
    this.team.run(() => this.exports.run(job, team));
    pace.took(units, timed ? performance.now() - began : undefined);
  }

  private pace(job: number): Pace {
    let pace = this.paces.get(job);
    if (!pace) {
      // On one processor threads can only wait for each other.
      pace = new Pace(this.threads, processors().count === 1 ? 1 : this.threads);
      this.paces.set(job, pace);
    }
    return pace;
  }

  private variable(name: string): Buffer {
    return this.layout.variables.find((v) => v.name === name)!;
  }

  private fill(place: Pick<Buffer, 'address' | 'bytes' | 'dtype'>, values: ArrayLike<number>): void {
    const view = this.view(place);
    if (values.length === 1) view.fill(values[0]);
    else view.set(values);
  }

  /** The elements at a place; the same array for the same place, until the memory grows. */
  view(
    place: Pick<Buffer, 'address' | 'bytes' | 'dtype'>,
    { buffer, views } = this.cells,
  ): Float32Array | Int32Array {
    let view = views.get(place);
    if (!view) {
      const { dtype, address, bytes } = place;
      view =
        dtype === 'f32'
          ? new Float32Array(buffer, address, bytes / 4)
          : new Int32Array(buffer, address, bytes / 4);
      views.set(place, view);
    }
    return view;
  }

  private get words(): Uint32Array {
    return this.cells.words;
  }

  /** A memory that grows gets another buffer, whether it is shared or not: arrays on the old one end too early. */
  private get cells(): Cells {
    const { buffer } = this.memory;
    if (buffer !== this.known.buffer) this.known = cellsOf(buffer);
    return this.known;
  }
}

function abort(): never {
  throw new GradError('the compiled module stopped itself; please report this');
}
