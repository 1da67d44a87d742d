import {
  concat,
  crossEntropy,
  gpt,
  gptCache,
  i32,
  optim,
  reshape,
  softmax,
  type Tensor,
  trainStep,
} from '2headgrad';

// A GPT (Radford et al. 2019) on characters: small enough to learn English words in a tab within minutes.
export default ({ vocab }: { vocab: number }) => {
  const context = 64; // characters it sees
  const batch = 12; // texts a step
  const looked = 32; // characters of a line that one can look at
  const options = { vocab, context, width: 64, heads: 4, layers: 2 };

  const model = gpt(options);
  const cache = gptCache(options); // keys and values of what it has written so far

  return trainStep({
    name: 'text',
    model: { ...model.parts, cache },
    batch: { x: i32(batch, context), y: i32(batch, context) },
    loss: (_, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.clip(optim.adamW(), { norm: 1 }), // a learning rate near 0.003 suits it
    entries: {
      // The next character, from one and its place: what it goes on from a prompt by.
      generate: {
        inputs: { token: i32(1), place: i32(1) },
        output: (_, { token, place }) =>
          softmax(reshape(model(reshape(token, [1, 1]), { cache, place }), [vocab])),
      },
      // How much each character takes of which: [layers, heads, looked, looked].
      attention: {
        inputs: { x: i32(1, looked) },
        output: (_, { x }) => {
          const maps: Tensor[] = [];
          model(x, { watch: (weights) => maps.push(weights) });
          return concat(maps, 0);
        },
      },
    },
  });
};
