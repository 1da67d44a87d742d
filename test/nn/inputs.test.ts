import { describe, expect, it } from 'vitest';
import { broadcastTo, cast, nn, type Tensor, tensor } from '../../src/index.js';

const f = (...shape: number[]): Tensor => broadcastTo(tensor(0), shape);
const i = (...shape: number[]): Tensor => cast(f(...shape), 'i32');
const attention = nn.multiHeadAttention(8, 2, { memory: 6 });

describe('a layer that is given what it was not made for says how it was made, what it takes, and what would fit', () => {
  it.each<[string, () => unknown]>([
    [
      'linear(10, 5): expected [batch, ..., 10], got [32, 20]: nn.linear(20, 5) would fit',
      () => nn.linear(10, 5)(f(32, 20)),
    ],
    [
      'linear(3, 5): expected [batch, ..., 3], got [3]: give it a batch, such as x.reshape([1, 3])',
      () => nn.linear(3, 5, { bias: false })(f(3)),
    ],
    [
      'linear(1, 5): expected [batch, ..., 1], got [32]: give it a batch, such as x.reshape([32, 1])',
      () => nn.linear(1, 5)(f(32)),
    ],
    ['linear(3, 5): expected [batch, ..., 3], got [5]', () => nn.linear(3, 5)(f(5))],
    [
      "linear(3, 5): expected f32[batch, ..., 3], got i32[2,3]: convert with cast(x, 'f32')",
      () => nn.linear(3, 5)(i(2, 3)),
    ],
    [
      'embedding(9, 4): expected i32[...], got f32[32,3]: if they are a column of the batch, its type is i32(32, 3)',
      () => nn.embedding(9, 4)(f(32, 3)),
    ],
    ['flatten: expected [batch, ...], got []', () => nn.flatten()(f())],
    [
      'layerNorm(4): expected [..., 4], got [2, 3]: nn.layerNorm(3) would fit',
      () => nn.layerNorm(4)(f(2, 3)),
    ],
    ['rmsNorm(4): expected [..., 4], got [3]: nn.rmsNorm(3) would fit', () => nn.rmsNorm(4)(f(3))],
    [
      'batchNorm1d(4): expected [batch, 4], got [2, 3]: nn.batchNorm1d(3) would fit',
      () => nn.batchNorm1d(4)(f(2, 3)),
    ],
    [
      'batchNorm(4): expected [batch, 4, ...places], got [2, 3, 5]: nn.batchNorm(3) would fit',
      () => nn.batchNorm(4, { channelsFirst: true })(f(2, 3, 5)),
    ],
    [
      'conv2d(1, 4, 3): expected [batch, height, width, 1], got [2, 8, 8, 3]: nn.conv2d(3, 4, 3) would fit',
      () => nn.conv2d(1, 4, 3)(f(2, 8, 8, 3)),
    ],
    [
      'conv2d(2, 4, [3,1]): expected [batch, height, width, 2], got [9, 2, 8, 8]: its channels seem to come first: give the layer channelsFirst: true',
      () => nn.conv2d(2, 4, [3, 1])(f(9, 2, 8, 8)),
    ],
    [
      'conv2d(2, 4, 3): expected [batch, 2, height, width], got [9, 8, 8, 2]: its channels seem to come last: leave channelsFirst out',
      () => nn.conv2d(2, 4, 3, { channelsFirst: true })(f(9, 8, 8, 2)),
    ],
    [
      'conv2d(1, 4, 3): expected [batch, height, width, 1], got [9, 8, 8]: with x.reshape([9, 8, 8, 1]) it has one channel',
      () => nn.conv2d(1, 4, 3)(f(9, 8, 8)),
    ],
    [
      'conv1d(1, 4, 3): expected [batch, 1, width], got [9, 8]: with x.reshape([9, 1, 8]) it has one channel',
      () => nn.conv1d(1, 4, 3, { channelsFirst: true })(f(9, 8)),
    ],
    [
      'convTranspose2d(4, 2, 3): expected [batch, height, width, 4], got [2, 5, 5, 6]',
      () => nn.convTranspose2d(4, 2, 3, { groups: 2 })(f(2, 5, 5, 6)),
    ],
    [
      'lstm(4, 5): expected [batch, time, 4], got [2, 8, 3]: nn.lstm(3, 5) would fit',
      () => nn.lstm(4, 5)(f(2, 8, 3)),
    ],
    ['rnn(4, 5): expected [batch, time, 4], got [8, 4]', () => nn.rnn(4, 5)(f(8, 4))],
    [
      'gruCell(4, 5): expected [batch, 4], got [2, 3]: nn.gruCell(3, 5) would fit',
      () => nn.gruCell(4, 5)(f(2, 3), f(2, 5)),
    ],
    ['gruCell(4, 5): expected a state of [2, 5], got [2, 4]', () => nn.gruCell(4, 5)(f(2, 4), f(2, 4))],
    [
      'multiHeadAttention(16, 4): expected [batch, places, 16], got [2, 8, 12]: nn.multiHeadAttention(12, 4) would fit',
      () => nn.multiHeadAttention(16, 4)(f(2, 8, 12)),
    ],
    [
      'multiHeadAttention(16, 4): expected [batch, places, 16], got [2, 8, 10]',
      () => nn.multiHeadAttention(16, 4)(f(2, 8, 10)),
    ],
    [
      'multiHeadAttention(8, 2): memory: expected [batch, places, 6], got [2, 9, 8]',
      () => attention(f(2, 8, 8), { memory: f(2, 9, 8) }),
    ],
    [
      'layerNorm(16): expected [..., 16], got [2, 8, 12]: nn.layerNorm(12) would fit, in norm1 (layerNorm)',
      () => nn.transformerBlock(16, 4)(f(2, 8, 12)),
    ],
    [
      'linear(16, 4): expected [batch, ..., 16], got [2, 8, 12]: nn.linear(12, 4) would fit, in gate (linear)',
      () => nn.gatedMlp(16, 4)(f(2, 8, 12)),
    ],
    [
      'learnedPositions(8, 16): expected [...batch, places, 16], got [2, 8, 12]: nn.learnedPositions(8, 12) would fit',
      () => nn.learnedPositions(8, 16)(f(2, 8, 12)),
    ],
    [
      'sinusoidalPositions(16): expected [...batch, places, 16], got [2, 8, 12]: nn.sinusoidalPositions(12) would fit',
      () => nn.sinusoidalPositions(16)(f(2, 8, 12)),
    ],
  ])('%s', (message, run) => {
    expect(run).toThrow(`${message} (inputs.test.ts:`);
  });

  it('lstmCell is told where its state is none', () => {
    expect(() => nn.lstmCell(4, 5)(f(2, 4), f(2, 5) as never)).toThrow(
      /^lstmCell: expected its state second, \{ h, c \}, got /,
    );
  });
});
