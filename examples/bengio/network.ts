import { crossEntropy, gather, init, nn, type Tensor } from '2headgrad';

export const vocab = 27;
export const context = 3;

export interface Sizes {
  /** Numbers in the vector of a character. */
  embed: number;
  hidden: number;
  /** With the dashed lines? */
  direct?: boolean;
}

/** The parameters, by the paper's letters. W are the dashed lines of its figure 1. */
export type Parameters = Record<'C' | 'H' | 'd' | 'U' | 'b', Tensor> & { W?: Tensor };

export function parameters({ embed, hidden, direct = false }: Sizes): Parameters {
  const small = init.normal(0, 0.01);
  return {
    C: nn.parameter([vocab, embed], init.normal()),
    H: nn.parameter([context * embed, hidden], init.kaimingNormal({ nonlinearity: 'tanh' })),
    d: nn.parameter([hidden], init.zeros),
    U: nn.parameter([hidden, vocab], small),
    b: nn.parameter([vocab], init.zeros),
    ...(direct && { W: nn.parameter([context * embed, vocab], small) }),
  };
}

/** What the network makes on its way, from ids: i32[32, 3] to logits, y: f32[32, 27]. */
export function walk({ C, H, d, U, b, W }: Parameters, ids: Tensor) {
  const features = gather(C, ids); //                     [32, 3, 2]   a vector for each character
  const x = features.reshape([ids.shape[0], -1]); //      [32, 6]      the three side by side
  const h = x.matmul(H).add(d).tanh(); //                 [32, 100]    the tanh in the middle of the figure
  const scores = h.matmul(U).add(b); //                   [32, 27]     a score for each character
  const y = W ? scores.add(x.matmul(W)) : scores; //                   the dashed lines: x once more, past the tanh
  return { features, x, h, y };
}

/** y = b + W x + U tanh(d + H x). ids: i32[32, 3] -> logits f32[32, 27] */
export const logits = (parameters: Parameters, ids: Tensor): Tensor => walk(parameters, ids).y;

/** softmax: every row becomes a distribution over the characters. */
export function probabilities(y: Tensor): Tensor {
  const e = y.exp();
  return e.div(e.sum(1, { keepDims: true }));
}

/** The long way: take the target's probability from each row, then the log, the mean, the sign. */
export function longWay(y: Tensor, targets: Tensor): Tensor {
  return probabilities(y).pick(targets).log().mean().neg();
}

/** The short way. */
export const shortWay = (y: Tensor, targets: Tensor): Tensor => crossEntropy(y, targets);

/** The slip: all probabilities, where only those of the targets were meant. */
export const slip = (y: Tensor): Tensor => probabilities(y).log().mean().neg();
