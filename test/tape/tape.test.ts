import { describe, expect, it } from 'vitest';
import { sum, type Tensor, tensor } from '../../src/index.js';
import { Variable, withInterpreter } from '../../src/ops/tensor.js';
import { type Eager, Tape } from '../../src/tape/tape.js';

const eager = (x: Tensor) => x as Eager;

describe('tensor', () => {
  it('takes its shape from the nesting of the numbers', () => {
    expect(tensor(3).shape).toEqual([]);
    expect(tensor([]).shape).toEqual([0]);
    expect(tensor([[], []]).shape).toEqual([2, 0]);
    expect(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]).shape,
    ).toEqual([3, 2]);
    expect(
      Array.from(
        tensor([
          [1, 2],
          [3, 4],
        ]).data,
      ),
    ).toEqual([1, 2, 3, 4]);
  });

  it('is float32 unless told otherwise', () => {
    expect(tensor([0.1]).data).toEqual(Float32Array.of(0.1));
    expect(tensor([7], { dtype: 'i32' }).data).toEqual(Int32Array.of(7));
    expect(tensor([0.1], { precision: 'float64' }).data).toEqual(Float64Array.of(0.1));
  });

  it('computes at once', () => {
    expect(Array.from(eager(tensor([1, 2]).add(tensor([[10], [20]]))).data)).toEqual([11, 12, 21, 22]);
    expect(eager(sum(tensor([1, 2, 3]))).item()).toBe(6);
  });
});

describe('the tape', () => {
  it('computes in the precision that it has', () => {
    const third = (precision: 'float32' | 'float64') => {
      const tape = new Tape(precision);
      return withInterpreter(tape, () => eager(tape.constant([1], [1], 'f32').div(3)).data[0]);
    };
    expect(third('float64')).toBe(1 / 3);
    expect(third('float32')).toBe(Math.fround(1 / 3));
  });

  it('makes the first value of a variable once, and shows an assigned one to later reads', () => {
    let made = 0;
    const variable = new Variable('state', [2], 'f32', () => [0, 0]);
    const tape = new Tape('float32', () => {
      made++;
      return [1, 2];
    });
    withInterpreter(tape, () => {
      expect(Array.from(eager(variable.add(1)).data)).toEqual([2, 3]);
      variable.assign(variable.mul(10));
      expect(Array.from(eager(variable.add(1)).data)).toEqual([11, 21]);
    });
    expect(made).toBe(1);
    expect(Array.from(tape.read(variable).data)).toEqual([10, 20]);
  });

  it('refuses a value of another size for a variable', () => {
    const tape = new Tape();
    const variable = new Variable('parameter', [2, 3], 'f32', () => []);
    expect(() => tape.set(variable, [1, 2])).toThrow('assign: 2 elements for a variable of f32[2,3]');
  });

  it('does not change a tensor that was computed before', () => {
    const x = tensor([1, 2, 3, 4]);
    const [y, z] = [x.reshape([2, 2]), x.stopGradient()];
    const w = y.add(1).mul(z.reshape([2, 2]));
    expect(Array.from(x.data)).toEqual([1, 2, 3, 4]);
    expect(Array.from(eager(w).data)).toEqual([2, 6, 12, 20]);
  });

  it('keeps no creators where no gradient is asked', () => {
    const x = tensor([1, 2]);
    expect(x.mul(2).creator).toBeNull();
    expect(tensor([1, 2], { requiresGrad: true }).mul(2).creator).not.toBeNull();
    expect(tensor([1, 2], { requiresGrad: true }).less(2).creator).toBeNull();
  });
});
