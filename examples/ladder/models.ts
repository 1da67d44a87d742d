import {
  broadcastTo,
  concat,
  crossEntropy,
  gpt,
  i32,
  init,
  nn,
  optim,
  type Tensor,
  trainStep,
} from '2headgrad';

/** Places of a name: its boundary and its letters. */
export const PLACES = 14;
export const BATCH = 32;
/** The target of places behind the end of a name: none. */
export const NONE = -1;
const CONTEXT = 3;

/** x: i32[batch, PLACES] -> logits of the next letter after each place, f32[batch, PLACES, vocab]. */
type Rung = nn.Module<[ids: Tensor]>;

/** What stands on each rung of the ladder, from what sees one letter to what sees all before. */
export const RUNGS: readonly { name: string; sees: string; rate: number; make(vocab: number): Rung }[] = [
  {
    name: 'bigram',
    sees: '1 letter',
    rate: 0.05,
    // A row of the table is the logits behind a letter.
    make: (vocab) => nn.embedding(vocab, vocab, { weight: init.zeros }),
  },
  { name: 'MLP', sees: `${CONTEXT} letters`, rate: 0.005, make: mlp },
  {
    name: 'RNN',
    sees: 'all, in 64 numbers',
    rate: 0.005,
    make: (vocab) => recurrent(vocab, nn.rnn(24, 64), 64),
  },
  {
    name: 'GRU',
    sees: 'all, in 64 numbers',
    rate: 0.005,
    make: (vocab) => recurrent(vocab, nn.gru(24, 64), 64),
  },
  {
    name: 'LSTM',
    sees: 'all, in 2 x 64 numbers',
    rate: 0.005,
    make: (vocab) => recurrent(vocab, nn.lstm(24, 64), 64),
  },
  {
    name: 'GPT',
    sees: 'all, each by itself',
    rate: 0.003,
    make: (vocab) => gpt({ vocab, context: PLACES, width: 32, heads: 4, layers: 2 }),
  },
];

/** The network of Bengio et al. (2003), at every place of a name at once: before its beginning there are boundaries. */
function mlp(vocab: number): Rung {
  const [width, hidden] = [10, 200];
  const parts = {
    embedding: nn.embedding(vocab, width),
    hidden: nn.linear(CONTEXT * width, hidden, { weight: init.kaimingNormal({ nonlinearity: 'tanh' }) }),
    output: nn.linear(hidden, vocab, { weight: init.normal(0, 0.01), biasInit: init.zeros }),
  };
  return nn.layer(parts, (ids) => {
    const [rows, places] = ids.shape;
    // Place t is the t-th letter; a name as it is, and moved to the right by one place and by two.
    const moved = Array.from({ length: CONTEXT }, (_, by) => {
      const before = broadcastTo(0, [rows, by]).cast('i32');
      return parts.embedding(concat([before, ids.slice([0, 0], [rows, places - by])], 1));
    });
    return parts.output(parts.hidden(concat(moved, -1)).tanh());
  });
}

function recurrent(vocab: number, cell: nn.Recurrent, hidden: number): Rung {
  const parts = {
    embedding: nn.embedding(vocab, 24),
    cell,
    output: nn.linear(hidden, vocab, { weight: init.normal(0, 0.01), biasInit: init.zeros }),
  };
  return nn.layer(parts, (ids) => parts.output(parts.cell(parts.embedding(ids))));
}

/** How a rung is trained, and an entry that tells how many nats a batch takes in all. */
export function stepOf(model: Rung, vocab: number, name: string) {
  const batch = { x: i32(BATCH, PLACES), y: i32(BATCH, PLACES) };
  return trainStep({
    name,
    model,
    batch,
    loss: (model, { x, y }) => crossEntropy(model(x), y, { ignoreIndex: NONE }),
    optimizer: optim.adam(),
    predict: {
      inputs: { x: i32(1, PLACES) },
      output: (model, { x }) => model(x).reshape([PLACES, vocab]).softmax(),
    },
    entries: {
      nats: {
        inputs: batch,
        output: (model, { x, y }) => crossEntropy(model(x), y, { ignoreIndex: NONE, reduction: 'sum' }),
      },
    },
  });
}
