import { add, crossEntropy, i32, init, nn, optim, reshape, softmax, tanh, trainStep } from '2headgrad';

// The paper's equation 1 in full: y = b + W x + U tanh(d + H x), with direct connections W past the tanh.
export default ({ vocab }: { vocab: number }) => {
  const context = 3;
  const embed = 10;
  const hidden = 100;
  const batch = 32;
  const width = context * embed;
  const small = init.normal(0, 0.01);

  const parts = {
    embedding: nn.embedding(vocab, embed),
    hidden: nn.linear(width, hidden),
    output: nn.linear(hidden, vocab, { weight: small }),
    direct: nn.linear(width, vocab, { weight: small, bias: false }),
  };
  const model = nn.layer(parts, (ids) => {
    const x = reshape(parts.embedding(ids), [ids.shape[0], width]);
    return add(parts.output(tanh(parts.hidden(x))), parts.direct(x));
  });

  return trainStep({
    name: 'names',
    model,
    batch: { x: i32(batch, context), y: i32(batch) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.sgd(),
    predict: {
      inputs: { x: i32(1, context) },
      output: (model, { x }) => softmax(model(x)),
    },
  });
};
