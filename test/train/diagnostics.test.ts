import { describe, expect, it } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import {
  crossEntropy,
  type Diagnostics,
  DivergedError,
  f32,
  findLearningRate,
  i32,
  nn,
  OptionError,
  optim,
  type Session,
  type StepOptions,
  tanh,
  trainStep,
} from '../../src/index.js';
import { readLibrary } from '../../src/run/node.js';
import { batchOf, rows, variables } from './small.js';

type Optimizer = ReturnType<typeof optim.sgd>;

/** Ids of seven to one of five classes, by an embedding whose updates touch single rows, batch norm and both bends. */
function model(
  diagnostics: StepOptions<never, never, never>['diagnostics'],
  optimizer: Optimizer = optim.sgd(),
) {
  return trainStep({
    name: 'looked',
    model: nn.sequential(
      nn.embedding(7, 3),
      nn.flatten(),
      nn.linear(6, 8),
      nn.batchNorm1d(8),
      nn.tanh(),
      nn.linear(8, 8),
      nn.relu(),
      nn.linear(8, 5),
    ),
    batch: { x: i32(4, 2), y: i32(4) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer,
    diagnostics,
  });
}

const optimizers = {
  'plain SGD': () => optim.sgd(),
  momentum: () => optim.sgd({ momentum: 0.9, weightDecay: 0.01 }),
  Adam: () => optim.adam(),
};
const engines = ['tape', 'compiled'] as const;

async function open(engine: (typeof engines)[number], step = model({ every: 4 })): Promise<Session> {
  const session = engine === 'tape' ? step.interpret({ seed: 5 }) : await step.compile({ seed: 5 });
  session.data(rows);
  return session;
}

async function losses(session: Session, steps: number, lr = 0.1): Promise<number[]> {
  const all: number[] = [];
  for await (const report of session.run({ steps, lr })) all.push(...report.losses);
  return all;
}

const std = (values: ArrayLike<number>) => {
  const mean = Array.from(values).reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(Array.from(values).reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
};

describe('a step with diagnostics', () => {
  it('compiles its other entries to the same code as one without, which has none of it', async () => {
    // Traced in one line, which the code names; kernels that the entries have in common are not joined.
    const options = { library: await readLibrary(), shareKernels: false, asc: async () => new Uint8Array() };
    const source = async (option?: boolean) =>
      (await compileProgram(model(option).program, options)).source.text;
    const plain = await source();
    expect(await source(false)).toBe(plain);
    expect(plain).not.toContain('diagnose');
    // Addresses apart, since the memory holds more.
    const kernels = (text: string) =>
      // Of the first two entries, train and evaluate.
      [...text.matchAll(/^function (?:kernel_[01]_\w*|step[01])\(.*?^}$/gms)].map(([code]) => code);
    const looked = await source(true);
    expect(looked).toContain('diagnose');
    expect(kernels(looked).length).toBeGreaterThan(5);
    expect(kernels(looked)).toEqual(kernels(plain));
  });

  describe.each(engines)('on the %s engine', (engine) => {
    it.each(Object.entries(optimizers))('trains to the same bits with %s', async (_, optimizer) => {
      await using plain = await open(engine, model(undefined, optimizer()));
      await using looked = await open(engine, model({ every: 3 }, optimizer()));
      expect(await losses(looked, 25)).toEqual(await losses(plain, 25));
      expect(looked.step({ lr: 0.1 })).toBe(plain.step({ lr: 0.1 }));
      expect(variables(looked)).toEqual(variables(plain));
      expect(looked.diagnostics().records.map(({ at }) => at)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24]);
    });

    it.each(Object.entries(optimizers))('measures what %s adds to each parameter', async (_, optimizer) => {
      await using session = await open(engine, model({ every: 1 }, optimizer()));
      await losses(session, 3);
      const old = variables(session);
      const loss = session.step({ lr: 0.1 });
      const now = variables(session);
      const { at, parameters, loss: noted } = session.diagnostics().records.at(-1)!;
      expect({ at, noted }).toEqual({ at: 3, noted: loss });
      expect(parameters.map(({ name }) => name)).toEqual(session.names('parameter'));
      for (const { name, data, update, updateToData } of parameters) {
        const moved = std(old[name].map((value, i) => now[name][i] - value));
        expect(data.std).toBeCloseTo(std(old[name]), 12);
        expect(update.std).toBeCloseTo(moved, 12);
        if (updateToData !== null) expect(updateToData).toBeCloseTo(Math.log10(moved / std(old[name])), 8);
        else expect(Math.min(std(old[name]), moved)).toBe(0);
      }
      const embedding = parameters[0];
      expect(embedding.name).toBe('layers.0.weight');
      expect(embedding.updateToData).toBeLessThan(0);
    });

    it('names every layer by its path, and counts saturated and dead units', async () => {
      await using session = await open(engine);
      const w1 = session.read('layers.3.gain').slice();
      session.write('layers.3.gain', w1.fill(1000));
      session.write('layers.5.bias', [-1e4, -1e4, 0, 0, 0, 0, 0, 1e4]);
      session.step({ lr: 0.1 });
      const [{ layers }] = session.diagnostics().records;
      expect(layers.map(({ name, op }) => `${name} ${op}`)).toEqual(
        [
          'layers.0 index_select',
          'layers.2 add',
          'layers.3 add',
          'layers.4 tanh',
          'layers.5 add',
          'layers.6 relu',
          'layers.7 add',
        ].map((text) => text.replace('index_select', layers[0].op)),
      );
      const [, , , tanhs, , relus, output] = layers;
      expect(tanhs.saturated).toBeGreaterThan(0.9);
      expect(tanhs.activation.low).toBeGreaterThanOrEqual(-1);
      expect(relus.saturated).toBeNull();
      expect(relus.dead).toBeGreaterThanOrEqual(2 / 8);
      expect(relus.dead).toBeLessThan(1);
      expect(output).toMatchObject({ saturated: null, dead: null });
      for (const { activation, gradient } of layers) {
        for (const { counts, low, high } of [activation, gradient!]) {
          expect(counts).toHaveLength(100);
          expect(low).toBeLessThanOrEqual(high);
        }
      }
      expect(tanhs.activation.counts.reduce((a, b) => a + b)).toBe(4 * 8);
    });

    it('looks at the batch that is given', async () => {
      await using session = await open(engine);
      const batch = batchOf(rows, [9, 9, 2, 3]);
      const loss = session.step({ lr: 0.1, batch });
      await using other = await open(engine);
      const drawn = other.step({ lr: 0.1 });
      const [given] = session.diagnostics().records;
      expect(given.loss).toBe(loss);
      expect(drawn).not.toBe(loss);
      expect(given.layers[0].activation).not.toEqual(other.diagnostics().records[0].layers[0].activation);
    });

    it('forgets what a run that went back had seen, and what a search tried', async () => {
      await using session = await open(engine);
      const start = session.checkpoint();
      await losses(session, 10);
      const seen = session.diagnostics();
      await findLearningRate(session, { steps: 60, probeSteps: 10 });
      expect(session.diagnostics()).toEqual(seen);
      session.restore(start);
      expect(session.diagnostics().records).toEqual([]);
      await losses(session, 10);
      expect(session.diagnostics()).toEqual(seen);
    });
  });

  it('sees the same for any number of threads', async () => {
    const seen = [];
    for (const threads of [1, 2]) {
      await using session = await model({ every: 4 }).compile({ seed: 5, threads });
      session.data(rows);
      await losses(session, 9);
      seen.push(session.diagnostics());
    }
    expect(seen[1]).toEqual(seen[0]);
  });

  it('has nothing of parameters that the loss does not reach', async () => {
    const used = nn.linear(2, 1);
    const step = trainStep({
      model: { used, idle: nn.linear(2, 1) },
      batch: { x: f32(3, 2) },
      loss: ({ used }, { x }) => used(x).square().mean(),
      optimizer: optim.sgd(),
      allowUnused: true,
      diagnostics: true,
    });
    for (const session of [step.interpret(), await step.compile()]) {
      session.step({ lr: 0.1, batch: { x: [1, 2, 3, 4, 5, 6] } });
      const [{ parameters, layers }] = session.diagnostics().records;
      expect(layers.map(({ name }) => name)).toEqual(['used']);
      expect(parameters.map(({ name, gradient }) => [name, gradient !== null])).toEqual([
        ['used.weight', true],
        ['used.bias', true],
        ['idle.weight', false],
        ['idle.bias', false],
      ]);
      expect(parameters[2]).toMatchObject({
        update: { mean: 0, std: 0 },
        gradientToData: null,
        updateToData: null,
      });
      await session.close();
    }
  });

  it('has the gradients that float64 and differences have, compiled and on the tape', async () => {
    const at = async (session: Session) => {
      await losses(session, 8);
      session.step({ lr: 0.1 });
      const record = session.diagnostics().records.at(-1)!;
      await session.close();
      return record;
    };
    const exact = model({ every: 4 }).interpret({ seed: 5, precision: 'float64' });
    exact.data(rows);
    const reference = await at(exact);
    for (const engine of engines) {
      const found = await at(await open(engine));
      found.layers.forEach((layer, i) => {
        const wanted = reference.layers[i];
        expect(layer.activation.std).toBeCloseTo(wanted.activation.std, 4);
        expect(layer.gradient!.std).toBeCloseTo(wanted.gradient!.std, 5);
      });
      found.parameters.forEach(({ gradient, gradientToData }, i) => {
        const wanted = reference.parameters[i];
        expect(gradient!.std).toBeCloseTo(wanted.gradient!.std, 5);
        // A bias before batch norm has rounding errors for a gradient.
        if (wanted.gradient!.std > 1e-9) expect(gradientToData).toBeCloseTo(wanted.gradientToData!, 3);
      });
    }
  });

  it('measures the gradient of an output as the difference of the loss says', async () => {
    // loss = mean(w x)^2 over one row: d loss / d (w x) = 2 w x / n.
    const w = nn.parameter([1, 3], () => [1, -2, 3]);
    const scale = nn.layer({ w }, (x) => x.mul(w));
    const step = trainStep({
      model: scale,
      batch: { x: f32(1, 3) },
      loss: (model, { x }) => tanh(model(x)).square().mean(),
      optimizer: optim.sgd(),
      diagnostics: true,
    });
    await using session = step.interpret({ precision: 'float64' });
    session.step({ lr: 0.1, batch: { x: [0.1, 0.2, 0.3] } });
    const [{ layers, parameters }] = session.diagnostics().records;
    expect(layers.map(({ name }) => name)).toEqual(['model', 'tanh']);
    const y = [0.1, -0.4, 0.9].map(Math.tanh);
    const flow = y.map((v) => ((2 * v) / 3) * (1 - v * v));
    expect(layers[0].gradient!.low).toBeCloseTo(Math.min(...flow), 7);
    expect(layers[0].gradient!.high).toBeCloseTo(Math.max(...flow), 7);
    expect(layers[1].gradient!.high).toBeCloseTo((2 * y[2]) / 3, 7);
    expect(parameters[0].gradient!.std).toBeCloseTo(std(flow.map((g, i) => g * [0.1, 0.2, 0.3][i])), 7);
  });

  it('drops the step that diverged', async () => {
    const step = trainStep({
      model: nn.linear(2, 1),
      batch: { x: f32(3, 2), y: f32(3, 1) },
      loss: (model, { x, y }) => model(x).sub(y).square().mean(),
      optimizer: optim.sgd(),
      diagnostics: { every: 1 },
    });
    await using session = step.interpret();
    session.data({ x: [1, 2, 3, 4, 5, 6], y: [1, 2, 3] });
    await expect(losses(session, 1000, 1e9)).rejects.toThrow(DivergedError);
    expect(session.diagnostics().records.every(({ at }) => at < Math.max(1, session.at))).toBe(true);
  });

  it('thins its records to every other one before they grow beyond a thousand', async () => {
    const step = trainStep({
      model: nn.linear(1, 1),
      batch: { x: f32(1, 1) },
      loss: (model, { x }) => model(x).square().mean(),
      optimizer: optim.sgd(),
      diagnostics: { every: 1 },
    });
    await using session = step.interpret();
    session.data({ x: [1] });
    for (let i = 0; i < 1500; i++) session.step({ lr: 0.001 });
    const { every, records }: Diagnostics = session.diagnostics();
    expect(every).toBe(2);
    expect(records.map(({ at }) => at)).toEqual(Array.from({ length: 750 }, (_, i) => 2 * i));
  });

  it('gives numbers that the caller may change', async () => {
    await using session = await open('tape');
    session.step({ lr: 0.1 });
    session.diagnostics().records[0].layers.length = 0;
    expect(session.diagnostics().records[0].layers).not.toEqual([]);
  });
});

describe('errors', () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses to look every %d steps', (every) => {
    expect(() => model({ every })).toThrow(OptionError);
    expect(() => model({ every })).toThrow(/every: expected a whole number from 1/);
  });

  it('says that a step was made without', async () => {
    await using session = await open('tape', model(undefined));
    expect(() => session.diagnostics()).toThrow(/looked has no diagnostics: set them in trainStep/);
  });
});

describe('diagnostics with gradient accumulation', () => {
  const clipped = () => optim.clip(optim.accumulate(optim.sgd(), 4), { norm: 1 });

  it.each(engines)('looks at steps in which parameters move: %s', async (engine) => {
    for (const [every, looked] of [
      [1, [3, 7, 11]],
      [4, [3, 7, 11]],
      [6, [3, 11]],
    ] as const) {
      const session = await open(engine, model({ every }, clipped()));
      await losses(session, 13);
      const { records } = session.diagnostics();
      expect(records.map(({ at }) => at)).toEqual(looked);
      for (const { parameters } of records)
        for (const { name, update } of parameters) {
          // The gradient of a bias before a batch norm is 0.
          if (name !== 'layers.2.bias') expect(update.std, name).toBeGreaterThan(0);
        }
      await session.close();
    }
  });

  it('goes on looking at such steps after a checkpoint between them', async () => {
    const first = await open('tape', model({ every: 4 }, clipped()));
    await losses(first, 6);
    const second = await open('tape', model({ every: 4 }, clipped()));
    second.restore(first.checkpoint());
    await losses(second, 6);
    expect(second.diagnostics().records.map(({ at }) => at)).toEqual([7, 11]);
  });
});
