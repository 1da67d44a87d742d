import * as activations from './activations.js';
import * as arrange from './arrange.js';
import * as compare from './compare.js';
import * as cumulative from './cumulative.js';
import * as elementwise from './elementwise.js';
import * as exponentials from './exponentials.js';
import * as extremes from './extremes.js';
import * as functions from './functions.js';
import * as gather from './gather.js';
import * as masks from './masks.js';
import * as matmul from './matmul.js';
import * as movement from './movement.js';
import * as reduce from './reduce.js';
import * as split from './split.js';
import * as stepwise from './stepwise.js';
import { stopGradient } from './stop-gradient.js';
import { Tensor } from './tensor.js';
import * as top from './top-k.js';
import * as trigonometric from './trigonometric.js';

// biome-ignore lint/suspicious/noExplicitAny: the first parameter is dropped whatever the others are.
type Rest<F> = F extends (x: any, ...rest: infer R) => infer Y ? (...rest: R) => Y : never;

/** The functions of tensors that are also methods: `x.matmul(w).add(b).tanh()`. */
const methods = {
  ...{ neg: elementwise.neg, exp: elementwise.exp, log: elementwise.log, sqrt: elementwise.sqrt },
  ...{
    rsqrt: elementwise.rsqrt,
    tanh: elementwise.tanh,
    sigmoid: elementwise.sigmoid,
    relu: elementwise.relu,
  },
  ...{ abs: elementwise.abs, erf: elementwise.erf, sin: trigonometric.sin, cos: trigonometric.cos },
  ...{ add: elementwise.add, sub: elementwise.sub, mul: elementwise.mul, div: elementwise.div },
  ...{ maximum: elementwise.maximum, minimum: elementwise.minimum },
  ...{ equal: compare.equal, notEqual: compare.notEqual, less: compare.less, lessEqual: compare.lessEqual },
  ...{
    greater: compare.greater,
    greaterEqual: compare.greaterEqual,
    where: compare.where,
    cast: compare.cast,
  },
  ...{ sum: reduce.sum, max: reduce.max, mean: functions.mean, variance: functions.variance },
  ...{ matmul: matmul.matmul, gather: gather.gather, pick: functions.pick },
  ...{ reshape: movement.reshape, transpose: movement.transpose, broadcastTo: movement.broadcastTo },
  ...{ slice: movement.slice, pad: movement.pad, stopGradient },
  ...{ square: functions.square, softmax: functions.softmax, logSoftmax: functions.logSoftmax },
  ...{ gelu: functions.gelu, leakyRelu: functions.leakyRelu, silu: activations.silu },
  ...{ pow: exponentials.pow, expm1: exponentials.expm1, log1p: exponentials.log1p },
  ...{ softplus: exponentials.softplus, sign: stepwise.sign, clamp: stepwise.clamp },
  ...{ floor: stepwise.floor, ceil: stepwise.ceil, round: stepwise.round },
  ...{ argmax: extremes.argmax, argmin: extremes.argmin, maxWithIndex: extremes.maxWithIndex },
  ...{ minWithIndex: extremes.minWithIndex, topK: top.topK, split: split.split, chunk: split.chunk },
  ...{ flip: arrange.flip, tile: arrange.tile, take: arrange.take, takeAlong: arrange.takeAlong },
  ...{ tril: masks.tril, triu: masks.triu, maskedFill: masks.maskedFill },
  ...{ cumulativeSum: cumulative.cumulativeSum, logSumExp: functions.logSumExp },
};

export type Methods = { [K in keyof typeof methods]: Rest<(typeof methods)[K]> };

declare module './tensor.js' {
  interface Tensor extends Methods {}
}

for (const [name, f] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    configurable: true,
    value(this: Tensor, ...rest: unknown[]) {
      return (f as (...all: unknown[]) => unknown)(this, ...rest);
    },
  });
}
