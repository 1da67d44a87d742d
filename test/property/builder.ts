import type { Interpreter, Tensor } from '../../src/ops/tensor.js';
import { Variable } from '../../src/ops/tensor.js';
import { numel, type Shape, type TensorType } from '../../src/shape.js';

/** One thing to do to the tensors that there are so far; `picks` decide everything about it. */
export interface Step {
  readonly kind: number;
  readonly picks: readonly number[];
}

/** How a program gets at data: a trace gives symbols, a tape gives numbers. */
export type Feed = (name: string, type: TensorType) => Tensor;

/** Tensors have no more elements than this, and products no more multiplications than MOST_WORK. */
const MOST_ELEMENTS = 1536;
export const MOST_WORK = 40_000;

/** Values stay below this, more or less, so that sums and products of them keep their digits. */
export const TAME = 3;

/**
 * The tensors of a program while it runs, and the choices of its steps. Each tensor has a rough bound of
 * its size (`mag`), by which steps keep values tame.
 */
export class Builder {
  readonly parameters: { name: string; variable: Variable; value: Tensor }[] = [];
  readonly states: { name: string; variable: Variable }[] = [];
  readonly pool: Tensor[] = [];
  readonly shown: Tensor[] = [];
  private readonly mags = new Map<Tensor, number>();
  private picks: readonly number[] = [0];
  private at = 0;
  private inputs = 0;

  constructor(
    readonly by: Interpreter,
    readonly sizes: readonly number[],
    private readonly feed: Feed,
    readonly declare: (variable: Variable, name: string) => void,
  ) {}

  /** Makes the choices that follow those of these picks. */
  choose(picks: readonly number[]): void {
    this.picks = picks;
    this.at = 0;
  }

  /** The next choice out of n. */
  n(n: number): number {
    const turn = Math.floor(this.at / this.picks.length);
    const pick = this.picks[this.at++ % this.picks.length] + turn;
    return pick % Math.max(1, n);
  }

  one<T>(list: readonly T[]): T {
    return list[this.n(list.length)];
  }

  size(): number {
    return this.one(this.sizes);
  }

  mag(x: Tensor): number {
    return this.mags.get(x) ?? 2;
  }

  /** Notes how large a tensor can be, and gives it back. */
  sized(x: Tensor, mag: number): Tensor {
    this.mags.set(x, mag);
    return x;
  }

  /** A float tensor for which `fits` holds; recent ones are picked more often, so that ops stand in chains. */
  float(fits: (x: Tensor) => boolean = () => true): Tensor | undefined {
    const list = this.pool.filter(fits);
    const among = this.n(3) ? Math.min(list.length, 3) : list.length;
    return list[list.length - 1 - this.n(among)];
  }

  /** Takes a tensor up into the pool; one that is too large is made smaller first. */
  keep(x: Tensor): void {
    if (numel(x.shape) > MOST_ELEMENTS) return;
    let tame = x;
    const mag = this.mag(x);
    if (mag > TAME) tame = this.n(2) ? this.sized(x.mul(1 / mag), 1) : this.sized(x.tanh(), 1);
    this.pool.push(tame);
  }

  /** A number of axes with sizes of this program. */
  shape(rank: number): number[] {
    const shape: number[] = [];
    for (let i = 0; i < rank; i++) shape.push(this.n(6) ? this.size() : 1);
    while (numel(shape) > MOST_ELEMENTS) shape.pop();
    return shape;
  }

  /** Data from outside; `what` shows in its name. */
  input(shape: Shape, dtype: 'f32' | 'i32' = 'f32'): Tensor {
    return this.feed(`${dtype === 'f32' ? 'x' : 'ids'}${this.inputs++}`, { shape, dtype });
  }

  /** Data of all sizes that float32 has. */
  wild(shape: Shape): Tensor {
    return this.feed(`wild${this.inputs++}`, { shape, dtype: 'f32' });
  }

  /** Keeps a tensor of any size as an output, since nothing else could be made of it that has digits left. */
  show(x: Tensor): void {
    if (numel(x.shape) <= MOST_ELEMENTS) this.shown.push(x);
  }

  /** A parameter, at times one that is used already. */
  parameter(shape: Shape): Tensor {
    const same = this.parameters.filter((p) => p.value.shape.join() === shape.join());
    if (same.length && this.n(3) === 0) return this.one(same).value;
    const name = `w${this.parameters.length}`;
    const variable = new Variable('parameter', shape, 'f32', () => []);
    this.declare(variable, name);
    const value = this.by.read(variable);
    this.parameters.push({ name, variable, value });
    return value;
  }

  /** A variable that changes by assignment alone. */
  state(shape: Shape): Variable {
    const name = `s${this.states.length}`;
    const variable = new Variable('state', shape, 'f32', () => []);
    this.declare(variable, name);
    this.states.push({ name, variable });
    return variable;
  }
}
