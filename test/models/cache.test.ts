import { describe, expect, it } from 'vitest';
import {
  crossEntropy,
  type GptOptions,
  generateTokens,
  gpt,
  gptCache,
  i32,
  nn,
  optim,
  reshape,
  type Session,
  stack,
  type Tensor,
  tensor,
  trainStep,
} from '../../src/index.js';

const CONTEXT = 7;
const VOCAB = 11;
const TEXT = [3, 1, 4, 1, 5, 9, 2];

/** A model with `predict` for whole texts beside `generate` for one token at a time. */
function stepOf(more: Partial<GptOptions>) {
  const options = { vocab: VOCAB, context: CONTEXT, width: 12, heads: 2, layers: 2, ...more };
  const model = gpt(options);
  const cache = gptCache(options);
  return trainStep({
    model: { gpt: model, cache },
    batch: { x: i32(1, CONTEXT), y: i32(1, CONTEXT) },
    loss: ({ gpt }, { x, y }) => crossEntropy(gpt(x), y),
    optimizer: optim.sgd(),
    predict: { inputs: { x: i32(1, CONTEXT) }, output: ({ gpt }, { x }) => gpt(x) },
    entries: {
      generate: {
        inputs: { token: i32(1), place: i32(1) },
        output: ({ gpt, cache }, { token, place }) => gpt(reshape(token, [1, 1]), { cache, place }),
      },
    },
  });
}

function compare(session: Session, digits: number): void {
  const whole = session.predict({ x: TEXT });
  // Twice: what the first text has left in the cache must not be seen.
  for (let times = 0; times < 2; times++)
    TEXT.forEach((token, place) => {
      const { output } = session.invoke('generate', { token: [token], place: [place] });
      for (let i = 0; i < VOCAB; i++) expect(output[i]).toBeCloseTo(whole[place * VOCAB + i], digits);
    });
}

describe('a model that is watched', () => {
  it.each(['learned', 'rotary'] as const)(
    'tells what each place takes of which, %s positions',
    (positions) => {
      const options = { vocab: VOCAB, context: CONTEXT, width: 12, heads: 2, layers: 3, positions };
      const model = gpt(options);
      const cache = gptCache(options);
      const maps = (watched: Tensor[], run: (watch: (weights: Tensor) => void) => unknown) => {
        run((weights) => watched.push(weights));
        return stack(watched, 1);
      };
      const session = trainStep({
        model: { gpt: model, cache },
        batch: { x: i32(1, CONTEXT), y: i32(1, CONTEXT) },
        loss: (_, { x, y }) => crossEntropy(model(x), y),
        optimizer: optim.sgd(),
        entries: {
          attention: {
            inputs: { x: i32(1, CONTEXT) },
            output: (_, { x }) => maps([], (watch) => model(x, { watch })),
          },
          last: {
            inputs: { token: i32(1), place: i32(1) },
            output: (_, { token, place }) =>
              maps([], (watch) => model(reshape(token, [1, 1]), { cache, place, watch })),
          },
        },
      }).interpret();
      const { output } = session.invoke('attention', { x: TEXT });
      expect(output).toHaveLength(3 * 2 * CONTEXT * CONTEXT);
      for (let row = 0; row < output.length / CONTEXT; row++) {
        const place = row % CONTEXT;
        const weights = Array.from(output.slice(row * CONTEXT, (row + 1) * CONTEXT));
        expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
        expect(weights.findLastIndex((weight) => weight > 0)).toBe(place);
      }
      // One place at a time it looks at the same.
      let last: ArrayLike<number> = [];
      TEXT.forEach((token, place) => {
        last = session.invoke('last', { token: [token], place: [place] }).output;
      });
      for (let head = 0; head < 6; head++)
        for (let key = 0; key < CONTEXT; key++)
          expect(last[head * CONTEXT + key]).toBeCloseTo(output[(head * CONTEXT + 6) * CONTEXT + key], 5);
    },
  );

  it('takes only a function for it', () => {
    const layer = nn.multiHeadAttention(4, 2);
    expect(() => layer(tensor([[[1, 2, 3, 4]]]), { watch: true as never })).toThrow(
      'multiHeadAttention: watch is a function that gets the weights, not true',
    );
  });
});

describe('a cache of keys and values', () => {
  it.each<[string, Partial<GptOptions>]>([
    ['learned positions', {}],
    ['rotary positions', { positions: 'rotary' }],
    [
      'heads that share keys, RMS norms, gated MLPs and tied tables',
      {
        width: 24,
        heads: 6,
        groups: 2,
        positions: 'rotary',
        norm: 'rms',
        mlp: 'gated',
        bias: false,
        tie: true,
      },
    ],
    ['dropout, which does nothing in use', { dropout: 0.5 }],
  ])('gives the logits of the whole text, with %s', (_, options) => {
    compare(stepOf(options).interpret({ precision: 'float64' }), 12);
  });

  it('gives them compiled too, for any number of threads', async () => {
    const step = stepOf({ positions: 'rotary', width: 12, heads: 3, groups: 1, layers: 1 });
    const module = await step.compileModule();
    const given: number[][] = [];
    for (const threads of [1, 2]) {
      const session = await step.start(module, { threads });
      compare(session, 5);
      given.push([...session.invoke('generate', { token: [6], place: [2] }).output]);
      await session.close();
    }
    expect(given[1]).toEqual(given[0]);
  });

  it('names what does not fit', () => {
    const options = { vocab: VOCAB, context: CONTEXT, width: 12, heads: 2, layers: 2 };
    const model = gpt(options);
    const use = (ids: [number, number], more: (place: never) => object) => () =>
      trainStep({
        model: { model },
        batch: { x: i32(...ids), place: i32(ids[0]) },
        loss: ({ model }, { x, place }) => model(x, more(place as never)).mean(),
        optimizer: optim.sgd(),
      }).program;
    const cache = gptCache(options);
    expect(use([1, 2], (place) => ({ cache, place }))).toThrow('at most 1 places with a cache, got [1, 2]');
    expect(use([1, 1], () => ({ cache }))).toThrow(
      'multiHeadAttention: a cache needs the place of x, { cache, place }',
    );
    expect(use([1, 1], (place) => ({ cache: cache.slice(1), place }))).toThrow(
      'a cache of 1 layers does not fit 2',
    );
    expect(use([2, 1], (place) => ({ cache, place }))).toThrow('place must be one i32, not i32[2]');
    expect(() => nn.keyValueCache({ groups: 0, places: 1, size: 1 })).toThrow('keyValueCache: groups');
    const [wrong] = [gptCache({ ...options, groups: 1 })];
    expect(use([1, 1], (place) => ({ cache: wrong, place }))).toThrow(
      'the cache is [1, 1, 7, 6], and must be [1, 2, 7, 6] here',
    );
  });

  it('refuses a place that it does not have', () => {
    for (const positions of ['learned', 'rotary'] as const) {
      const session = stepOf({ positions }).interpret();
      expect(() => session.invoke('generate', { token: [0], place: [CONTEXT] })).toThrow(/place.*7/);
    }
  });
});

describe('generateTokens', () => {
  it('goes on beyond the context with the later half of it', () => {
    const calls: [number, number][] = [];
    const session = {
      invoke: (_: string, { token, place }: Record<string, ArrayLike<number>>) => {
        calls.push([token[0], place[0]]);
        return { output: Float32Array.of(token[0]) };
      },
    };
    const text = generateTokens(session, { context: 4, prompt: [10, 11], next: (p) => p[0] + 1 });
    expect([1, 2, 3, 4, 5].map(() => text.next().value)).toEqual([12, 13, 14, 15, 16]);
    // After 10, 11, 12, 13 there is no place for 14: it is read behind 13 again.
    expect(calls).toEqual([
      [10, 0],
      [11, 1],
      [12, 2],
      [13, 3],
      [13, 0],
      [14, 1],
      [15, 2],
    ]);
  });

  it('gives each of several texts of one session in turn what it would be by itself', () => {
    // As a cache of keys: what it gives depends on all places up to that of the token.
    const writer = () => {
      const seen: number[] = [];
      return {
        invoke: (_: string, { token, place }: Record<string, ArrayLike<number>>) => {
          seen[place[0]] = token[0];
          const sum = seen.slice(0, place[0] + 1).reduce((all, x, i) => all + x * (i + 1), 0);
          return { output: Float32Array.of(sum % 89) };
        },
      };
    };
    const text = (session: ReturnType<typeof writer>, prompt: number[]) =>
      generateTokens(session, { context: 5, prompt, next: (p) => p[0] });
    const take = (from: Generator<number>, n: number) => Array.from({ length: n }, () => from.next().value);
    const prompts = [[1], [2, 3], [4, 5, 6, 7, 8, 9, 10]];
    const alone = prompts.map((prompt) => take(text(writer(), prompt), 12));
    const shared = writer();
    const texts = prompts.map((prompt) => text(shared, prompt));
    const together = prompts.map((): number[] => []);
    for (const n of [1, 2, 1, 3, 5])
      for (const [i, from] of texts.entries()) together[i].push(...take(from, n));
    expect(together).toEqual(alone);
  });

  it.each<[string, unknown, unknown, RegExp]>([
    ['no session', undefined, {}, /^generateTokens: expected a session first, got undefined/],
    ['no options', { invoke() {} }, undefined, /^generateTokens: context: expected a whole number from 1/],
    [
      'no prompt',
      { invoke() {} },
      { context: 4 },
      /^generateTokens: prompt must be the tokens to go on from/,
    ],
    ['a text', { invoke() {} }, { context: 4, prompt: 'abc' }, /^generateTokens: prompt must be .*"abc"/],
    ['no next', { invoke() {} }, { context: 4, prompt: [1] }, /^generateTokens: next must be a function/],
    ['an unknown option', { invoke() {} }, { context: 4, prompt: [1], nxt: 1 }, /did you mean next\?/],
  ])('is refused with %s, as it is called', (_, session, options, message) => {
    expect(() => generateTokens(session as never, options as never)).toThrow(message);
  });

  it('costs a token about two calls, however long the text is', () => {
    let calls = 0;
    const invoke = () => {
      calls++;
      return { output: Float32Array.of(0) };
    };
    const session = { invoke };
    const text = generateTokens(session, { context: 64, prompt: [0], next: () => 0 });
    for (let i = 0; i < 1000; i++) text.next();
    expect(calls).toBeLessThan(2000);
  });
});
