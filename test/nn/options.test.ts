import { describe, expect, it } from 'vitest';
import { init, MLP, nn, OptionError, optim, tensor } from '../../src/index.js';
import { onTape } from '../ops/run.js';

// biome-ignore lint/suspicious/noExplicitAny: what plain JavaScript may pass
const any = (value: unknown): any => value;
const { schedule } = optim;

describe('options that are no numbers of the right kind', () => {
  it.each<[string, () => unknown]>([
    ['dropout: p must be from 0 to below 1, got "0.5"', () => nn.dropout(any('0.5'))],
    ['leakyRelu: slope must be a finite number, got NaN', () => nn.leakyRelu(Number.NaN)],
    ['batchNorm1d: eps must be above 0, got "1e-5"', () => nn.batchNorm1d(3, { eps: any('1e-5') })],
    ['batchNorm1d: momentum must be 0 or more, got "0.1"', () => nn.batchNorm1d(3, { momentum: any('0.1') })],
    ['adam: eps must be above 0, got Infinity', () => optim.adam({ eps: Number.POSITIVE_INFINITY })],
    ['adam: eps must be above 0, got "1"', () => optim.adam({ eps: any('1') })],
    ['adam: beta1 must be from 0 to below 1, got "0.5"', () => optim.adam({ beta1: any('0.5') })],
    ['rmsprop: eps must be above 0, got Infinity', () => optim.rmsprop({ eps: Number.POSITIVE_INFINITY })],
    ['sgd: momentum must be from 0 to below 1, got an object', () => optim.sgd({ momentum: any({}) })],
    ['clip: norm must be above 0, got "1"', () => optim.clip(optim.sgd(), { norm: any('1') })],
    ['clip: give a norm, a value, or both', () => any(optim).clip(optim.sgd())],
    [
      'accumulate: steps: expected a whole number from 1, got "2"',
      () => optim.accumulate(optim.sgd(), any('2')),
    ],
    [
      'accumulate: the optimizer accumulates already',
      () => optim.accumulate(optim.clip(optim.accumulate(optim.sgd(), 2), { norm: 1 }), 2),
    ],
    ['schedule.constant: lr must be 0 or more, got "0.1"', () => schedule.constant(any('0.1'))],
    [
      'schedule.warmup: give a schedule or a rate for what follows, got undefined',
      () => any(schedule).warmup(3),
    ],
    ['init.normal: mean must be a finite number, got "1"', () => init.normal(any('1'))],
    ['Layer: outputs: expected a whole number from 1, got "4"', () => new MLP(3, [any('4')])],
    ['layer: expected an object of parts first, got null', () => nn.layer(any(null), (x) => x)],
    ['layer: expected a function of a tensor second, got undefined', () => any(nn).layer({})],
    ['sequential: layer 1 is 3; give layers', () => nn.sequential(nn.tanh(), any(3))],
    ['sequential: layer 0 is an array; give layers', () => nn.sequential(any([nn.tanh()]))],
  ])('%s', (message, make) => {
    expect(make).toThrow(OptionError);
    expect(make).toThrow(message);
  });

  it('a layer that was not called is named where it runs', () => {
    const model = nn.sequential(nn.relu(), any(nn.tanh));
    expect(() => onTape('float64', () => model(tensor([[1, 2]])))).toThrow(
      'layer 1 makes a layer and is none: call it',
    );
  });
});
