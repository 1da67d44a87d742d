import { crossEntropy, gpt, i32, nn, type Tensor } from '../../src/index.js';
import type { GptConfig, LlamaConfig, RnnConfig } from './file.js';
import { ints, uniform } from './hash.js';
import { type BuildOptions, type GoldenRun, makeStep, type Place } from './model.js';

// Golden runs of models that read texts: those that users build, with the values of the golden file written into them.

type LanguageConfig = GptConfig | LlamaConfig | RnnConfig;

/** A parameter of the golden file: where it is here, and what it begins with. */
interface Parameter {
  name: string;
  place: Place;
  values: Float32Array;
}

export function language(config: LanguageConfig, { keepGradients }: BuildOptions): GoldenRun {
  const { vocab, context, batch } = config;
  const { model, forward, parameters } =
    config.model === 'rnn' ? recurrent(config) : config.model === 'gpt' ? gptOf(config) : llama(config);
  const last = config.model === 'rnn' && config.loss === 'last';
  const rows = last ? batch : batch * context;
  const types = { x: i32(batch, context), y: last ? i32(batch) : i32(batch, context) };
  return {
    step: makeStep({ model, forward, batch: types, loss: crossEntropy }, config.optim, keepGradients),
    batch: (t) => ({
      x: ints(batch * context, vocab, 1000 + 2 * t),
      y: ints(rows, vocab, 1001 + 2 * t),
    }),
    learningRate: config.optim.lr,
    keepsGradients: keepGradients === true,
    names: Object.fromEntries(parameters.map(({ name, place }) => [name, place])),
    initial: joined(parameters),
  };
}

/** Values by variable, columns of one side by side. */
function joined(parameters: readonly Parameter[]): Map<string, Float32Array> {
  const all = new Map<string, Float32Array>();
  for (const { place, values } of parameters) {
    if (typeof place === 'string') {
      all.set(place, values);
      continue;
    }
    const [from, to, of] = place.columns;
    const width = to - from;
    const whole = all.get(place.variable) ?? new Float32Array((values.length / width) * of);
    values.forEach((value, i) => {
      whole[Math.floor(i / width) * of + from + (i % width)] = value;
    });
    all.set(place.variable, whole);
  }
  return all;
}

const made = (name: string, place: Place, size: number, scale: number, salt: number): Parameter => ({
  name,
  place,
  values: uniform(size, scale, salt),
});
const filled = (name: string, place: string, size: number, value: number): Parameter => ({
  name,
  place,
  values: new Float32Array(size).fill(value),
});

function gptOf({ vocab, context, dim, heads, layers }: GptConfig) {
  const model = gpt({ vocab, context, width: dim, heads, layers });
  const k = 1 / Math.sqrt(dim);
  const norm = (name: string, place: string) => [
    filled(`${name}.g`, `${place}.gain`, dim, 1),
    filled(`${name}.b`, `${place}.bias`, dim, 0),
  ];
  const blocks = Array.from({ length: layers }, (_, l) => {
    const [from, to, s] = [`l${l}`, `blocks.${l}`, 100 * (l + 1)];
    const dense = (name: string, place: string, inputs: number, outputs: number, salt: number) => [
      made(`${from}.${name}.w`, `${to}.${place}.weight`, inputs * outputs, 1 / Math.sqrt(inputs), s + salt),
      made(`${from}.${name}.b`, `${to}.${place}.bias`, outputs, 0.02, s + salt + 1),
    ];
    return [
      ...norm(`${from}.ln1`, `${to}.norm1`),
      ...dense('qkv', 'attention.input', dim, 3 * dim, 1),
      ...dense('proj', 'attention.output', dim, dim, 3),
      ...norm(`${from}.ln2`, `${to}.norm2`),
      ...dense('fc', 'mlp.layers.0', dim, 4 * dim, 5),
      ...dense('out', 'mlp.layers.2', 4 * dim, dim, 7),
    ];
  });
  const parameters = [
    made('wte', 'table', vocab * dim, 0.1, 20),
    made('wpe', 'positions.weight', context * dim, 0.1, 21),
    ...blocks.flat(),
    ...norm('lnf', 'norm'),
    made('head.w', 'head.weight', dim * vocab, k, 22),
  ];
  return { model, forward: model as (x: Tensor) => Tensor, parameters };
}

function llama({ vocab, context, dim, heads, kv_heads: groups, layers, ffn, tied = false }: LlamaConfig) {
  const model = gpt({
    ...{ vocab, context, width: dim, heads, groups, layers, tie: tied, hidden: ffn },
    ...{ positions: 'rotary', norm: 'rms', mlp: 'gated', bias: false },
  });
  const k = 1 / Math.sqrt(dim);
  const shared = groups * (dim / heads);
  const width = dim + 2 * shared;
  const blocks = Array.from({ length: layers }, (_, l) => {
    const [from, to, s] = [`l${l}`, `blocks.${l}`, 100 * (l + 1)];
    const columns = (begin: number, end: number): Place => ({
      variable: `${to}.attention.input.weight`,
      columns: [begin, end, width],
    });
    return [
      filled(`${from}.n1.g`, `${to}.norm1.gain`, dim, 1),
      filled(`${from}.n2.g`, `${to}.norm2.gain`, dim, 1),
      made(`${from}.q`, columns(0, dim), dim * dim, k, s + 1),
      made(`${from}.k`, columns(dim, dim + shared), dim * shared, k, s + 2),
      made(`${from}.v`, columns(dim + shared, width), dim * shared, k, s + 3),
      made(`${from}.o`, `${to}.attention.output.weight`, dim * dim, k, s + 4),
      made(`${from}.gate`, `${to}.mlp.gate.weight`, dim * ffn, k, s + 5),
      made(`${from}.up`, `${to}.mlp.up.weight`, dim * ffn, k, s + 6),
      made(`${from}.down`, `${to}.mlp.down.weight`, ffn * dim, 1 / Math.sqrt(ffn), s + 7),
    ];
  });
  const parameters = [
    made('wte', 'table', vocab * dim, 0.1, 20),
    ...blocks.flat(),
    filled('nf.g', 'norm.gain', dim, 1),
    ...(tied ? [] : [made('head.w', 'head.weight', dim * vocab, k, 22)]),
  ];
  return { model, forward: model as (x: Tensor) => Tensor, parameters };
}

const GATES = { rnn: 1, gru: 3, lstm: 4 } as const;

function recurrent({ cell, vocab, embed, hidden, layers, loss }: RnnConfig) {
  const model = {
    table: nn.embedding(vocab, embed),
    body: nn[cell](embed, hidden, { layers }),
    head: nn.linear(hidden, vocab),
  };
  const forward = (x: Tensor) => {
    const { outputs, state } = model.body.run(model.table(x));
    return model.head(loss === 'all' ? outputs : state[layers - 1][0]);
  };
  const k = 1 / Math.sqrt(hidden);
  const width = GATES[cell] * hidden;
  const parameters = [
    made('C', 'table.weight', vocab * embed, 1, 1),
    ...Array.from({ length: layers }, (_, l) => {
      const [to, s] = [`body.layers.${l}.forward`, 3000 + 10 * l];
      return [
        made(`l${l}.ih.w`, `${to}.inputWeight`, (l ? hidden : embed) * width, k, s),
        made(`l${l}.hh.w`, `${to}.hiddenWeight`, hidden * width, k, s + 1),
        made(`l${l}.ih.b`, `${to}.inputBias`, width, k, s + 2),
        made(`l${l}.hh.b`, `${to}.hiddenBias`, width, k, s + 3),
      ];
    }).flat(),
    made('head.w', 'head.weight', hidden * vocab, k, 4),
    made('head.b', 'head.bias', vocab, 0.1, 5),
  ];
  return { model, forward, parameters };
}
