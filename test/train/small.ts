import { crossEntropy, f32, i32, nn, optim, type Session, trainStep } from '../../src/index.js';

type Optimizer = ReturnType<typeof optim.sgd>;

/** A small classifier of ids: two ids of seven to one of five classes, in batches of four. */
export function classifier(optimizer: Optimizer = optim.sgd({ momentum: 0.9 }), hidden = 6) {
  return trainStep({
    name: 'classifier',
    model: nn.sequential(
      nn.embedding(7, 3),
      nn.flatten(),
      nn.linear(6, hidden),
      nn.tanh(),
      nn.linear(hidden, 5),
    ),
    batch: { x: i32(4, 2), y: i32(4) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer,
    predict: { inputs: { x: i32(1, 2) }, output: (model, { x }) => model(x) },
  });
}

/** Ten rows for it. */
export const rows = {
  x: Int32Array.of(0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 6, 6, 0, 0, 2, 5),
  y: Int32Array.of(0, 1, 2, 3, 4, 0, 1, 2, 3, 4),
};

/** A straight line through points: w x + b, in batches of three. */
export function line(optimizer: Optimizer = optim.sgd()) {
  return trainStep({
    name: 'line',
    model: nn.linear(2, 1),
    batch: { x: f32(3, 2), y: f32(3, 1) },
    loss: (model, { x, y }) => model(x).sub(y).square().mean(),
    optimizer,
  });
}

export const points = {
  x: Float32Array.of(1, 2, -1, 0.5, 3, -2, 0, 1, 2, 2),
  y: Float32Array.of(1, 0, -1, 2, 3),
};

/** Of a table that is large beside a batch, so that its updates are sparse. */
export const WORDS = 500;

/** All that keeps state in training: running statistics, dropout; and a table. Two words to one of five classes. */
export const statefulModel = () =>
  nn.sequential(
    nn.embedding(WORDS, 6),
    nn.flatten(),
    nn.linear(12, 9),
    nn.batchNorm1d(9),
    nn.dropout(0.3),
    nn.tanh(),
    nn.linear(9, 5),
  );

/** So many rows for it; one word is in many of them. */
export const wordRows = (rows: number) => ({
  x: Int32Array.from({ length: 2 * rows }, (_, i) => (i % 3 ? (i * i * 7) % WORDS : 1)),
  y: Int32Array.from({ length: rows }, (_, i) => (i * i) % 5),
});

type Columns<T> = { x: T; y: T };

/** These rows of the data as a batch. */
export function batchOf<T extends Float32Array | Int32Array>(
  { x, y }: Columns<T>,
  picked: number[],
): Columns<number[]> {
  const take = (all: T) => {
    const width = all.length / rows.y.length;
    return picked.flatMap((row) => Array.from(all.slice(row * width, (row + 1) * width)));
  };
  return { x: take(x), y: take(y) };
}

/** Every variable's elements, by name. */
export function variables(session: Session): Record<string, number[]> {
  return Object.fromEntries(session.names().map((name) => [name, Array.from(session.read(name))]));
}
