import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../../src/data/safetensors.js';
import {
  crossEntropy,
  encodeWeights,
  f32,
  type GptOptions,
  gpt,
  gpt2Weights,
  i32,
  llamaWeights,
  loadWeights,
  nn,
  optim,
  type Session,
  saveWeights,
  trainStep,
  type WeightOptions,
} from '../../src/index.js';

// Made by pytorch.py, which also checks what this writes: WEIGHTS_OUT=/tmp/x npx vitest run test/weights, then
// python3 test/weights/pytorch.py check /tmp/x

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const fixture = (name: string) => join(FOLDER, `${name}.safetensors`);
const figures = JSON.parse(readFileSync(join(FOLDER, 'logits.json'), 'utf8')) as Record<string, number[]>;
const { ids } = figures;
const COMMON = { vocab: 13, context: 8, width: 16, heads: 4, layers: 2 };
const MODELS: Record<string, { options: GptOptions; map: WeightOptions['map'] }> = {
  gpt2: { options: { ...COMMON, mlp: 'gelu-tanh', tie: true }, map: gpt2Weights() },
  llama: {
    options: {
      ...COMMON,
      positions: 'rotary',
      norm: 'rms',
      mlp: 'gated',
      hidden: 20,
      groups: 2,
      bias: false,
    },
    map: llamaWeights({ width: 16, heads: 4, groups: 2 }),
  },
};

function stepOf(options: GptOptions) {
  return trainStep({
    model: gpt(options),
    batch: { x: i32(2, 8), y: i32(2, 8) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.adamW(),
    predict: { inputs: { x: i32(1, 8) }, output: (model, { x }) => model(x) },
  });
}

function compare(session: Session, wanted: number[], most: number): void {
  const logits = session.predict({ x: ids });
  expect(logits).toHaveLength(wanted.length);
  wanted.forEach((x, i) => {
    expect(Math.abs(logits[i] - x)).toBeLessThan(most);
  });
}

describe('weights that PyTorch has written', () => {
  it.each([
    ['gpt2', 'gpt2'],
    ['gpt2-f16', 'gpt2'],
    ['llama', 'llama'],
    ['llama-bf16', 'llama'],
  ])('of %s give its logits', async (file, kind) => {
    const { options, map } = MODELS[kind];
    const step = stepOf(options);
    for (const [precision, most] of [
      ['float64', 1e-9],
      ['float32', 1e-5],
    ] as const) {
      const session = step.interpret({ precision, seed: 7 });
      const { loaded, missing, extra } = await loadWeights(session, fixture(file), { map });
      expect([loaded.length, missing, extra]).toEqual([session.names('parameter').length, [], []]);
      compare(session, figures[file], most);
    }
  });

  it('give them compiled too', async () => {
    const { options, map } = MODELS.llama;
    const session = await stepOf(options).compile({ seed: 7 });
    await loadWeights(session, fixture('llama'), { map });
    compare(session, figures.llama, 1e-5);
    await session.close();
  });

  it.each(['gpt2', 'llama'])('are written again as they were: %s', async (kind) => {
    const { options, map } = MODELS[kind];
    const session = stepOf(options).interpret();
    await loadWeights(session, fixture(kind), { map });
    const folder = process.env.WEIGHTS_OUT ?? (await mkdtemp(join(tmpdir(), '2headgrad-weights-')));
    const path = join(folder, `${kind}.safetensors`);
    await saveWeights(session, path, { map });
    const [again, before] = [path, fixture(kind)].map(
      (file) => decodeSafetensors(readFileSync(file)).tensors,
    );
    expect(new Set(again.keys())).toEqual(new Set(before.keys()));
    for (const [name, { shape, data }] of before) {
      expect(again.get(name)!.shape).toEqual(shape);
      expect([...again.get(name)!.data]).toEqual([...data]);
    }
    if (!process.env.WEIGHTS_OUT) await rm(folder, { recursive: true });
  });
});

/** A file with these tensors. */
function file(tensors: Record<string, number[][] | number[]>): Uint8Array {
  return encodeSafetensors(
    new Map(
      Object.entries(tensors).map(([name, rows]): [string, StoredTensor] => {
        const shape = Array.isArray(rows[0]) ? [rows.length, rows[0].length] : [rows.length];
        return [name, { dtype: 'F32', shape, data: Float32Array.from(rows.flat()) }];
      }),
    ),
  );
}

function small(): Session {
  return trainStep({
    model: { a: nn.linear(2, 3), norm: nn.batchNorm1d(3) },
    batch: { x: f32(2, 2) },
    loss: ({ a, norm }, { x }) => norm(a(x)).square().mean(),
    optimizer: optim.adam(),
  }).interpret();
}
const W = [
  [1, 2, 3],
  [4, 5, 6],
];
const [B, ONES, ZEROS] = [
  [7, 8, 9],
  [1, 1, 1],
  [0, 0, 0],
];
const fitting = { 'a.weight': W, 'a.bias': B, 'norm.gain': ONES, 'norm.bias': ZEROS };

describe('loadWeights', () => {
  it('takes tensors of the own names, and state where the file has it', async () => {
    const session = small();
    const given = { ...fitting, 'norm.runningMean': B };
    expect(await loadWeights(session, file(given))).toMatchObject({ missing: [], extra: [] });
    for (const [name, rows] of Object.entries(given)) expect([...session.read(name)]).toEqual(rows.flat());
    expect([...session.read('norm.runningVariance')]).toEqual(ONES);
  });

  it('takes them apart and together, transposed and renamed', async () => {
    const session = small();
    const { 'a.weight': _, ...rest } = fitting;
    const columns = {
      ...rest,
      first: [
        [1, 4],
        [2, 5],
      ],
      last: [[3, 6]],
    };
    const map = { 'a.weight': { from: ['first', 'last'], transpose: true, sizes: [2, 1] } };
    await loadWeights(session, file(columns), { map });
    expect([...session.read('a.weight')]).toEqual(W.flat());
    const { tensors } = decodeSafetensors(encodeWeights(session, { map }));
    expect([tensors.get('first')!.shape, [...tensors.get('first')!.data]]).toEqual([
      [2, 2],
      [1, 4, 2, 5],
    ]);
    expect(() => encodeWeights(session, { map: { 'a.weight': { from: ['x', 'y'] } } })).toThrow(
      'saveWeights: a.weight has 3 columns, which cannot be shared by 2 tensors: give their sizes',
    );
  });

  it('leaves what the map says is nowhere, and what is ignored', async () => {
    const session = small();
    const before = [...session.read('a.weight')];
    const { 'a.weight': _, ...rest } = fitting;
    await loadWeights(session, file({ ...rest, 'h.0.mask': W, id: B }), {
      map: { 'a.weight': null },
      ignore: [/mask$/, 'id'],
    });
    expect([...session.read('a.weight')]).toEqual(before);
  });

  it.each<[string, Record<string, number[][] | number[]>, WeightOptions, string]>([
    ['is missing', { 'a.weight': W }, {}, 'the file does not have a.bias, norm.gain, norm.bias: give a map'],
    ['is more than there is', { ...fitting, c: B, d: B }, {}, 'no variable of the model takes c, d of it'],
    [
      'is missing by its name there',
      fitting,
      { map: { 'a.bias': 'a.b' } },
      'does not have a.b; no variable of the model takes a.bias',
    ],
    [
      'is missing though the map names it',
      fitting,
      { map: { 'norm.runningMean': 'mean' } },
      'does not have mean',
    ],
    [
      'is transposed',
      {
        ...fitting,
        'a.weight': [
          [1, 4],
          [2, 5],
          [3, 6],
        ],
      },
      {},
      'a.weight is [2, 3] in the model, and in the file a.weight [3, 2]: it would fit transposed',
    ],
    [
      'is not transposed',
      fitting,
      { map: { 'a.weight': { from: 'a.weight', transpose: true } } },
      'it would fit as it is, without transpose',
    ],
    [
      'is of another shape',
      { ...fitting, 'a.bias': [1] },
      {},
      'a.bias is [3] in the model, and in the file a.bias [1]',
    ],
    [
      'is for no variable',
      fitting,
      { map: { b: 'x' } },
      'the model has no variable b, only a.weight, a.bias',
    ],
    ['is not finite', { ...fitting, 'a.bias': [1, Number.NaN, 2] }, {}, 'a.bias: NaN at position 1'],
    ['is no option', fitting, { stric: true } as never, 'did you mean strict'],
  ])('names what %s, and changes nothing', async (_, tensors, options, message) => {
    const session = small();
    const before = session.checkpoint();
    await expect(loadWeights(session, file(tensors), options)).rejects.toThrow(message);
    expect(session.checkpoint()).toEqual(before);
  });

  it('returns what is missing and extra where it need not be strict', async () => {
    const session = small();
    const found = await loadWeights(session, file({ 'a.weight': W, c: B }), { strict: false });
    expect(found).toEqual({
      loaded: ['a.weight'],
      missing: ['a.bias', 'norm.gain', 'norm.bias'],
      extra: ['c'],
    });
  });
});

describe('weights of any model', () => {
  const sgd = (model: object) =>
    trainStep({
      model: { ...model, w: nn.linear(2, 2) },
      batch: { x: f32(2, 2) },
      loss: ({ w }, { x }) => w(x).mean(),
      optimizer: optim.adam(),
      allowUnused: true,
    }).interpret({ seed: 1 });
  const raw = (tensors: Record<string, [dtype: string, shape: number[], bytes: number]>) => {
    let at = 0;
    const header = Object.entries(tensors).map(([name, [dtype, shape, bytes]]) => {
      at += bytes;
      return [name, { dtype, shape, data_offsets: [at - bytes, at] }] as const;
    });
    const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
    const file = new Uint8Array(8 + json.length + at);
    new DataView(file.buffer).setUint32(0, json.length, true);
    file.set(json, 8);
    return file;
  };

  it('keeps parameters of a part that is called optimizer, and refuses state there', async () => {
    const session = sgd({ optimizer: nn.linear(2, 1) });
    const file = encodeWeights(session);
    const before = [...session.read('optimizer.weight')];
    session.write('optimizer.weight', [7, 7]);
    const { loaded } = await loadWeights(session, file);
    expect(loaded).toEqual(['optimizer.weight', 'optimizer.bias', 'w.weight', 'w.bias']);
    expect([...session.read('optimizer.weight')]).toEqual(before);
    expect(() => sgd({ optimizer: nn.batchNorm(2) })).toThrow(
      '"optimizer.runningMean" is state of the model under a name of the optimizer\'s',
    );
  });

  it('takes variables that are called as what every object has', async () => {
    const session = sgd({
      toString: nn.parameter([1], () => [3]),
      constructor: nn.parameter([1], () => [4]),
    });
    const { loaded } = await loadWeights(session, encodeWeights(session, { map: {} }), { map: {} });
    expect(loaded).toContain('toString');
  });

  it('decodes nothing that it does not take, of whatever dtype', async () => {
    const file = raw({
      'w.weight': ['F32', [2, 2], 16],
      'w.bias': ['F32', [2], 8],
      tracked: ['I64', [], 8],
      mask: ['BOOL', [3], 3],
      packed: ['F4', [4], 2],
    });
    const session = sgd({});
    const ignore = [/^(tracked|packed)$/g, 'mask'];
    expect((await loadWeights(session, file, { ignore })).extra).toEqual([]);
    expect((await loadWeights(session, file, { strict: false })).extra).toEqual([
      'tracked',
      'mask',
      'packed',
    ]);
    await expect(loadWeights(session, file)).rejects.toThrow(
      'no variable of the model takes tracked, mask, packed',
    );
    await expect(loadWeights(session, file, { strict: false, map: { 'w.bias': 'tracked' } })).rejects.toThrow(
      'tensor "tracked": dtype "I64" is not one of F32',
    );
  });

  it('ignores every name that a global or sticky expression fits', async () => {
    const session = sgd({});
    const file = encodeWeights(session, { map: { 'w.weight': 'extra.a', 'w.bias': 'extra.b' } });
    for (const ignore of [[/^extra/g], [/extra/y]])
      expect(await loadWeights(session, file, { map: () => null, ignore })).toMatchObject({ extra: [] });
  });

  it('says how to leave out the state of an optimizer', async () => {
    const session = sgd({});
    await expect(loadWeights(session, session.checkpoint())).rejects.toThrow('ignore: [/^optimizer\\./]');
  });

  it('refuses to write two tensors under one name', () => {
    const session = sgd({});
    const message = 'saveWeights: map: w.bias would be written as same, which another tensor has';
    expect(() => encodeWeights(session, { map: () => 'same' })).toThrow(message);
    const map = { 'w.weight': { from: ['a', 'a'] } };
    expect(() => encodeWeights(session, { map })).toThrow('w.weight would be written as a, which');
  });

  it.each<[string, unknown, string]>([
    [
      'a misspelled option',
      { 'w.weight': { from: 'x', transposed: true } },
      'no option transposed: did you mean transpose?',
    ],
    [
      'a word for yes',
      { 'w.weight': { from: 'x', transpose: 'no' } },
      'w.weight: transpose must be true or false',
    ],
    ['a list of names', { 'w.weight': ['a', 'b'] }, '{ from: [names] }, or null, got an array'],
    [
      'no names',
      { 'w.weight': { from: [] } },
      'from must be a name of the file, or an array of at least one',
    ],
    ['no from', { 'w.weight': {} }, 'from must be a name of the file'],
    ['a number', { 'w.weight': 3 }, 'w.weight must be a name of the file'],
    ['sizes that are none', { 'w.weight': { from: 'x', sizes: 2 } }, 'sizes must be an array'],
    ['a text', 'x', 'map must be an object'],
    ['null', null, 'map must be an object'],
    ['a promise', async (name: string) => name, 'got a promise'],
    ['a wrong name', { v: 'x' }, 'map: the model has no variable v'],
  ])('names what is wrong with a map: %s', async (_, map, message) => {
    const session = sgd({});
    const options = { map } as WeightOptions;
    await expect(loadWeights(session, encodeWeights(session), options)).rejects.toThrow(message);
    expect(() => encodeWeights(session, options)).toThrow(message);
    expect(() => encodeWeights(session, options)).toThrow(/^saveWeights: map/);
  });

  it('says what takes filters of PyTorch', async () => {
    const step = (inputs: number) =>
      trainStep({
        model: nn.conv2d(inputs, 3, 3),
        batch: { x: f32(1, 5, 5, inputs) },
        loss: (model, { x }) => model(x).mean(),
        optimizer: optim.sgd(),
      }).interpret();
    const file = (inputs: number) =>
      raw({ weight: ['F32', [3, inputs, 3, 3], 108 * inputs], bias: ['F32', [3], 12] });
    await expect(loadWeights(step(2), file(2))).rejects.toThrow('give the layer channelsFirst: true');
    const map = { weight: { from: 'weight', transpose: true } };
    for (const inputs of [2, 3])
      await expect(loadWeights(step(inputs), file(inputs), { map })).rejects.toThrow(
        `transpose is for matrices, and this is [3, 3, ${inputs}, 3]: filters as PyTorch keeps them fit a layer with channelsFirst: true`,
      );
  });
});
