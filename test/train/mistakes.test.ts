import { describe, expect, it } from 'vitest';
import {
  f32,
  GradError,
  GraphError,
  i32,
  init,
  nn,
  OptionError,
  optim,
  type Session,
  ShapeError,
  type Tensor,
  tensor,
  trainStep,
} from '../../src/index.js';
import { line, points } from './small.js';

// biome-ignore lint/suspicious/noExplicitAny: what JavaScript lets pass
const any = (value: unknown): any => value;

const good = () => ({
  model: nn.linear(2, 1),
  batch: { x: f32(3, 2), y: f32(3, 1) },
  loss: (model: nn.Module, { x, y }: { x: Tensor; y: Tensor }) => model(x).sub(y).square().mean(),
  optimizer: optim.sgd(),
});
const make = (options: object) => () => trainStep(any({ ...good(), ...options }));
const traced = (options: object) => () => make(options)().program;

function failure(f: () => unknown): Error {
  try {
    f();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('a step', () => {
  it.each<[string, () => unknown]>([
    ['trainStep: expected { model, batch, loss, optimizer }', () => trainStep(any(undefined))],
    ['trainStep: there is no option optimiser: did you mean optimizer?', make({ optimiser: optim.adam() })],
    [
      'trainStep: there is no option keepgradients: did you mean keepGradients?',
      make({ keepgradients: true }),
    ],
    ['trainStep: there is no option lr: give it to session.run({ steps, lr })', make({ lr: 0.1 })],
    ['trainStep: there is no option wibble; there are name, model, batch', make({ wibble: 1 })],
    ['trainStep: optimizer is a function: call it, as in optim.adam()', make({ optimizer: optim.adam })],
    ['trainStep: optimizer must be one such as optim.adam(), got undefined', make({ optimizer: undefined })],
    ['trainStep: optimizer must be one such as optim.adam(), got "adam"', make({ optimizer: 'adam' })],
    [
      'trainStep: model must be a layer, or an object that holds layers, got undefined',
      make({ model: undefined }),
    ],
    ['trainStep: model must be a layer, or an object that holds layers, got null', make({ model: null })],
    ['trainStep: the model has no parameters', make({ model: {} })],
    ['trainStep: the model has no parameters', make({ model: [] })],
    ['has no parameters: it is a function and no layer: call it', make({ model: nn.linear })],
    [
      'w is a tensor that wants a gradient: in a model, make it nn.parameter([2], init)',
      make({ model: { w: tensor([1, 2], { requiresGrad: true }) } }),
    ],
    ['trainStep: loss must be a function (model, batch) => tensor, got undefined', make({ loss: undefined })],
    ['trainStep: loss must be a function (model, batch) => tensor, got an object', make({ loss: tensor(1) })],
    [
      'trainStep: batch must name its parts, as in { x: f32(32, 3) }, got an array',
      make({ batch: [f32(3)] }),
    ],
    [
      'trainStep: batch must name its parts, as in { x: f32(32, 3) }, got undefined',
      make({ batch: undefined }),
    ],
    ['trainStep: batch names no input', make({ batch: {} })],
    [
      'trainStep: batch.x: expected a type, as in f32(32, 3) or i32(32), got an array; the data itself goes to',
      make({ batch: { x: [1, 2, 3] } }),
    ],
    ['batch.x: expected a type', make({ batch: { x: new Float32Array(6) } })],
    ['batch.x: expected a type', make({ batch: { x: { shape: [3], dtype: 'f64' } } })],
    ['batch.x: expected a type', make({ batch: { x: f32 } })],
    ['trainStep: batch: "" cannot be the name of a part', make({ batch: { '': f32(3) } })],
    ['batch: "__proto__" cannot be the name of a part', make({ batch: { ['__proto__']: f32(3) } })],
    ['trainStep: learning_rate is an input of its own', make({ batch: { learning_rate: f32(3) } })],
    ['trainStep: predict must be { inputs, output }, got a function', make({ predict: () => tensor(1) })],
    ['trainStep: predict: there is no option input: did you mean inputs?', make({ predict: { input: {} } })],
    [
      'trainStep: predict.output must be a function (model, inputs) => tensor, got undefined',
      make({ predict: { inputs: { x: f32(1, 2) } } }),
    ],
    ['trainStep: keepGradients must be true or false, got "yes"', make({ keepGradients: 'yes' })],
    ['trainStep: allowUnused must be true or false, got 1', make({ allowUnused: 1 })],
    ['trainStep: name must be a text, got 3', make({ name: 3 })],
    ['diagnostics: there is no option evry: did you mean every?', make({ diagnostics: { evry: 3 } })],
    [
      'two variables of the model are called "a.b": rename one',
      make({ model: { 'a.b': w(), a: { b: w() } } }),
    ],
    ['a part of the model cannot be called "": rename it', make({ model: { '': w() } })],
    ['a part of the model cannot be called "__proto__"', make({ model: { ['__proto__']: w() } })],
    ['no variable can be called __metadata__: rename it', make({ model: { __metadata__: w() } })],
    [
      '"optimizer.velocity.w" is state of the model under a name of the optimizer\'s: call that part otherwise',
      make({
        model: { w: w(), optimizer: { 'velocity.w': nn.state([1], init.zeros) } },
        optimizer: optim.sgd({ momentum: 0.9 }),
      }),
    ],
    ['f32: give sizes one by one, as in f32(32, 3)', () => f32(any([32, 3]))],
    ['parameter: expected an initializer second, such as init.zeros, got 0', () => nn.parameter([2], any(0))],
    ['clip: the optimizer is a function: call it', () => optim.clip(any(optim.sgd), { norm: 1 })],
    ['accumulate: the optimizer must be one such as optim.adam(), got 4', () => optim.accumulate(any(4), 4)],
  ])('is told: %s', (message, f) => {
    const error = failure(f);
    expect(error.message).toContain(message);
    expect(error).toBeInstanceOf(OptionError);
  });

  it.each<[string, () => unknown]>([
    ['trainStep: batch.x: [0, 2]: sizes are whole numbers from 1', make({ batch: { x: f32(0, 2) } })],
    ['trainStep: batch.x: [3, 0]', make({ batch: { x: f32(3, 0) } })],
    ['f32: [1.5] is not a shape: sizes are whole numbers from 0', () => f32(1.5)],
    ['i32: [-1] is not a shape', () => i32(-1)],
    ['parameter: [2, -3] is not a shape', () => nn.parameter([2, -3], init.zeros)],
  ])('is told of sizes: %s', (message, f) => {
    const error = failure(f);
    expect(error.message).toContain(message);
    expect(error).toBeInstanceOf(ShapeError);
  });

  it.each<[string, unknown]>([
    ['nothing: write return before its result', () => {}],
    ['a promise: it must not be async', async (m: nn.Module, b: { x: Tensor }) => m(b.x).mean()],
    ['the number 3, which no parameter has a part in', () => 3],
    ['the number NaN, which no parameter has a part in', () => Number.NaN],
    ['an object, not a tensor', (m: nn.Module, b: { x: Tensor }) => ({ loss: m(b.x).mean() })],
    ['an array, not a tensor', (m: nn.Module, b: { x: Tensor }) => [m(b.x).mean()]],
    ['null, not a tensor', () => null],
  ])('whose loss or prediction is wrong is told: it returns %s', (what, f) => {
    const predict = { inputs: { x: f32(1, 2) }, output: f };
    const tries: [string, object][] = [
      ['the loss', { loss: f }],
      // An object names outputs of predict.
      ...(what.startsWith('an object') ? [] : [['predict.output', { predict }] as [string, object]]),
    ];
    for (const [name, options] of tries) {
      for (const run of [traced(options), () => make(options)().interpret()]) {
        const error = failure(run);
        expect(error).toBeInstanceOf(GraphError);
        expect(error.message).toContain(`${name} returns ${what}`);
        expect(error.message).toMatch(/ \(mistakes\.test\.ts:\d+\)$/);
      }
    }
  });

  it('may return a variable from predict', () => {
    const model = { w: nn.parameter([2], init.ones) };
    const step = trainStep({
      model,
      batch: { x: f32(3, 2) },
      loss: ({ w }, { x }) => x.mul(w).mean(),
      optimizer: optim.sgd(),
      predict: { inputs: { x: f32(1, 2) }, output: ({ w }) => w },
    });
    expect(Array.from(step.interpret().predict({ x: [0, 0] }))).toEqual([1, 1]);
  });

  it.each<[string, (options: object) => unknown, object]>([
    ['interpret: there is no option sed: did you mean seed?', (o) => line().interpret(o), { sed: 1 }],
    [
      'interpret: precision must be one of float32, float64, got "f64"',
      (o) => line().interpret(o),
      { precision: 'f64' },
    ],
    ['there is no option threads: the tape runs on one thread', (o) => line().interpret(o), { threads: 2 }],
    [
      'seed: expected a whole number from 0 to 4294967295, got "1"',
      (o) => line().interpret(o),
      { seed: '1' },
    ],
    ['compile: there is no option thread: did you mean threads?', (o) => line().compile(o), { thread: 2 }],
    [
      'compile: there is no option precision: compiled code computes in float32',
      (o) => line().compile(o),
      { precision: 'float64' },
    ],
    ['compile: relaxed must be true or false, got 1', (o) => line().compile(o), { relaxed: 1 }],
    ['threads: expected a whole number from 1 to 64, got "2"', (o) => line().compile(o), { threads: '2' }],
    [
      'cache, where it is not the path of a folder, must be true or false, got 1',
      (o) => line().compile(o),
      { cache: 1 },
    ],
    ['compile: without must be an array', (o) => line().compile(o), { without: 'fuse' }],
  ])('is started with options that are looked at: %s', async (message, start, options) => {
    await expect((async () => start(options))()).rejects.toThrow(message);
    await expect((async () => start(options))()).rejects.toBeInstanceOf(OptionError);
  });

  it('names a parameter that is made inside of the loss', () => {
    const loss = (_: unknown, { x }: { x: Tensor }) => nn.linear(2, 1)(x).mean();
    expect(traced({ loss })).toThrow(/a parameter of shape \[2,1\] is used but not part of the model/);
  });

  it('refuses a tensor that is kept from one run of the loss to the next', () => {
    let kept: Tensor | undefined;
    const loss = (m: nn.Module, { x }: { x: Tensor }) => {
      kept ??= x.square();
      return m(x).add(kept).mean();
    };
    expect(traced({ loss })).toThrow(
      /a tensor of another trace is used in step\.evaluate \(mistakes.*compute it inside/,
    );
    expect(() => kept!.add(1)).toThrow('a traced tensor has no numbers: it is used outside');
  });

  it('runs a layer that stands in two places, and objects that are frozen', () => {
    const shared = nn.linear(2, 2);
    const model = Object.freeze({ a: shared, b: shared });
    const step = trainStep(
      Object.freeze({
        ...good(),
        model,
        batch: Object.freeze({ x: Object.freeze(f32(3, 2)) }),
        loss: (m: typeof model, { x }: { x: Tensor }) => m.b(m.a(x)).square().mean(),
      }),
    );
    const session = step.interpret(Object.freeze({ seed: 1 }));
    expect(session.names()).toEqual(['a.weight', 'a.bias']);
    const batch = Object.freeze({ x: Object.freeze([1, 2, 3, 4, 5, 6]) });
    expect(session.step(Object.freeze({ lr: 0.1, batch }))).toBeGreaterThan(0);
  });

  it.each([
    ['uncalled', any(init.zeros), undefined],
    ['of NaN', () => [Number.NaN, 0], 'the initializer of w gives NaN at position 0, which is no f32'],
    ['of Infinity', () => [0, Infinity], 'the initializer of w gives Infinity at position 1'],
    ['beyond float32', () => [0, 1e300], 'the initializer of w gives 1e+300 at position 1'],
    ['too short', () => [1], 'the initializer of w gives 1 elements for [2]'],
    ['a number', () => 3, 'the initializer of w gives 3, not its elements: call it, as in init.normal()'],
    ['that makes one', () => init.normal(), 'the initializer of w gives a function, not its elements'],
  ])('looks at what an initializer gives: %s', (_, initializer, message) => {
    const model = { w: nn.parameter([2], any(initializer)) };
    const loss = (m: typeof model, { x }: { x: Tensor }) => x.mul(m.w).mean();
    const start = () => make({ model, loss, batch: { x: f32(3, 2) } })().interpret();
    if (message) expect(start).toThrow(message);
    else expect(start).not.toThrow();
  });
});

function w() {
  return nn.parameter([1], init.zeros);
}

describe('a session', () => {
  const opened = (): Session => {
    const session = line().interpret();
    session.data(points);
    return session;
  };
  const batch = { x: [1, 2, 3, 4, 5, 6], y: [1, 2, 3] };

  it.each<[string, (session: Session) => unknown]>([
    ['step: there is no option learningRate; there are lr, batch', (s) => s.step(any({ learningRate: 0.1 }))],
    ['the learning rate must be a number from 0, got undefined at step 1', (s) => s.step(any(undefined))],
    ['the learning rate must be a number from 0, got "0.1" at step 1', (s) => s.step({ lr: any('0.1') })],
    ['the learning rate must be a number from 0, got 1n', (s) => s.step({ lr: any(1n) })],
    [
      'the learning rate must be a number from 0 to 3.4e38, as float32 holds it, got 1e+300',
      (s) => s.step({ lr: 1e300 }),
    ],
    ['gradients: set keepGradients: true in trainStep', (s) => s.gradients()],
    ['there is no variable wieght: did you mean weight?', (s) => s.read('wieght')],
    ['there is no variable x; there are weight, bias', (s) => s.write('x', [1])],
  ])('is told: %s', (message, f) => {
    const error = failure(() => f(opened()));
    expect(error.message).toContain(message);
    expect(error).toBeInstanceOf(OptionError);
  });

  it.each<[string, unknown]>([
    ['expected an object with an array for each of x, y, got an array', [batch.x, batch.y]],
    ['expected an object with an array for each of x, y, got an array', new Float32Array(6)],
    ['expected an object with an array for each of x, y, got "x"', 'x'],
    ['x: expected an array of numbers, got a promise: await it', { ...batch, x: Promise.resolve(batch.x) }],
    ['y: a bigint at position 0, where a number belongs', { ...batch, y: [1n, 2n, 3n] }],
    ['y: a bigint at position 0', { ...batch, y: BigInt64Array.of(1n, 2n, 3n) }],
    // biome-ignore lint/suspicious/noSparseArray: what a user may give
    ['y: nothing at position 1', { ...batch, y: [1, , 3] }],
    ['y: nothing at position 0', { ...batch, y: { length: 3 } }],
    [
      'x: an object at position 0, where a number belongs: give one flat array',
      { ...batch, x: [[1, 2], [3, 4], [5, 6], 7, 8, 9] },
    ],
    ['input y is missing', { x: batch.x }],
    ['there is no input X: did you mean x?', { X: batch.x, y: batch.y }],
  ])('is told of its batch: %s', (message, wrong) => {
    for (const f of [
      () => opened().step({ lr: 0.1, batch: any(wrong) }),
      () => opened().data(any(wrong)),
      () => opened().evaluate(any(wrong)),
    ]) {
      const error = failure(f);
      expect(error.message).toContain(message);
      expect(error).toBeInstanceOf(GradError);
    }
  });

  it.each(['step', 'evaluate', 'predict', 'data', 'read', 'gradients', 'checkpoint'] as const)(
    'that is closed refuses to %s, and may be closed again',
    async (name) => {
      const session = opened();
      await session.close();
      await session.close();
      await session[Symbol.asyncDispose]();
      expect(() => any(session)[name](name === 'read' ? 'weight' : { lr: 0.1 })).toThrow(
        'this session is closed',
      );
    },
  );

  it('keeps gradients if it is asked to, from the first step on', () => {
    const session = trainStep({ ...good(), keepGradients: true }).interpret();
    expect(() => session.gradients()).toThrow('gradients: no step was taken yet in this session');
    session.step({ lr: 0.1, batch });
    expect(Object.keys(session.gradients())).toEqual(['weight', 'bias']);
  });
});

describe('optimizers, schedules, layers and functions', () => {
  it.each<[string, () => unknown]>([
    ['sgd: there is no option lr: the rate is given to session.run', () => optim.sgd(any({ lr: 0.1 }))],
    ['sgd: there is no option momentun: did you mean momentum?', () => optim.sgd(any({ momentun: 0.9 }))],
    ['sgd: nesterov must be true or false, got 1', () => optim.sgd({ momentum: 0.9, nesterov: any(1) })],
    ['adam: there is no option betas: give beta1 and beta2', () => optim.adam(any({ betas: [0.9, 0.99] }))],
    [
      'adam: there is no option weight_decay: did you mean weightDecay?',
      () => optim.adam(any({ weight_decay: 0.1 })),
    ],
    ['adamw: there is no option epsilon: did you mean eps?', () => optim.adamW(any({ epsilon: 1e-8 }))],
    ['adam: expected an object of options, got 0.001', () => optim.adam(any(0.001))],
    ['rmsprop: there is no option aplha: did you mean alpha?', () => optim.rmsprop(any({ aplha: 0.9 }))],
    ['clip: there is no option nrom: did you mean norm?', () => optim.clip(optim.sgd(), any({ nrom: 1 }))],
    [
      'schedule.step: there is no option gamma',
      () => optim.schedule.step(any({ lr: 1, every: 2, gamma: 0.1 })),
    ],
    [
      'schedule.exponential: there is no option',
      () => optim.schedule.exponential(any({ lr: 1, gamma: 0.1 })),
    ],
    ['schedule.cosine: expected { lr, steps, end }', () => optim.schedule.cosine(any(undefined))],
    [
      'schedule.cosine: there is no option step: did you mean steps?',
      () => optim.schedule.cosine(any({ lr: 1, step: 2 })),
    ],
    [
      'schedule.oneCycle: there is no option maxLr: did you mean max?',
      () => optim.schedule.oneCycle(any({ maxLr: 1, steps: 2 })),
    ],
    ['schedule.constant: lr must be a number from 0 to 3.4e38', () => optim.schedule.constant(1e300)],
    [
      'schedule.oneCycle: max must be a number from 0 to 3.4e38',
      () => optim.schedule.oneCycle({ max: 1e39, steps: 9 }),
    ],
    ['linear: there is no option baias: did you mean bias?', () => nn.linear(1, 1, any({ baias: false }))],
    ['linear: bias must be true or false, got 0', () => nn.linear(1, 1, { bias: any(0) })],
    ['linear: expected an object of options, got false', () => nn.linear(1, 1, any(false))],
    ['embedding: there is no option init', () => nn.embedding(1, 1, any({ init: init.zeros }))],
    ['batchNorm1d: there is no option epsilon', () => nn.batchNorm1d(1, any({ epsilon: 1 }))],
    ['layerNorm: there is no option momentum', () => nn.layerNorm(1, any({ momentum: 1 }))],
    ['init: there is no option mode', () => init.kaimingNormal(any({ mode: 'fan_in' }))],
    [
      'sum: there is no option keepdims: did you mean keepDims?',
      () => tensor([1]).sum(0, any({ keepdims: true })),
    ],
    [
      'variance: there is no option correction: unbiased: true',
      () => tensor([1]).variance(0, any({ correction: 1 })),
    ],
  ])('are told: %s', (message, f) => {
    const error = failure(f);
    expect(error.message).toContain(message);
    expect(error).toBeInstanceOf(OptionError);
  });

  it('says where options of a sum stand', () => {
    expect(() => tensor([1]).sum(any({ keepDims: true }))).toThrow(
      'options come third, as in sum(x, undefined,',
    );
  });
});
