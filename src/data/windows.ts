import { wholeNumber } from '../check.js';
import { DataError } from '../errors.js';
import { STREAMS, shuffle } from '../random/philox.js';
import { checkSeed } from '../random/seed.js';
import type { Contexts, Split } from './dataset.js';
import { checkPieces, checkWindow } from './given.js';

/**
 * 80, 10 and 10 percent of a text, for training, choosing and judging. A text in one piece is cut by place: its end is held
 * out. One in many is split by piece, after a shuffle that depends on the seed alone. Every part has at least `least`
 * tokens in one piece: one more than the context, for windows. Throws DataError that says how long the text has to be.
 */
export function splitText(pieces: readonly Int32Array[], seed: number, least: number): Split<Int32Array> {
  checkPieces('splitText', pieces);
  checkSeed(seed);
  wholeNumber('splitText: least', least);
  if (pieces.length === 1) return cut(pieces[0], least);
  const long = pieces.filter((piece) => piece.length >= least);
  if (long.length < 3)
    throw new DataError(
      `${long.length} of ${pieces.length} pieces of the text are long enough for a context of ${least - 1}; give a shorter --context`,
    );
  const shuffled = shuffle(long, seed, STREAMS.split);
  const held = Math.max(1, Math.floor(long.length / 10));
  return {
    train: shuffled.slice(2 * held),
    dev: shuffled.slice(0, held),
    test: shuffled.slice(held, 2 * held),
  };
}

/** The end of a text is held out: first what the model is chosen by, then what it is judged by. */
function cut(text: Int32Array, least: number): Split<Int32Array> {
  const n = text.length;
  if (n < 3 * least)
    throw new DataError(
      `a text of ${n} is too short for a context of ${least - 1}: train, dev and test need ${least} each, ${3 * least} together; give a longer text or a shorter --context`,
    );
  const held = Math.max(Math.floor(n / 10), least);
  const [dev, test] = [n - 2 * held, n - held];
  return { train: [text.subarray(0, dev)], dev: [text.subarray(dev, test)], test: [text.subarray(test)] };
}

/**
 * Windows of a text: `x` is i32[rows, context], and `y` the token after each place of it. Windows begin every so many
 * tokens, so that about `most` tokens are in all of them, but no more than `context` apart, so that each token is in one.
 */
export function windows(pieces: readonly Int32Array[], context: number, most: number): Contexts {
  checkPieces('windows', pieces);
  checkWindow('windows', context, most);
  const places = pieces.reduce((n, piece) => n + Math.max(0, piece.length - context), 0);
  const apart = Math.max(1, Math.min(context, Math.ceil((places * context) / most)));
  return rowsAt(pieces, context, starts(pieces, context, apart));
}

/** At most so many tokens in windows side by side, spread over all of the text. */
export function spread(pieces: readonly Int32Array[], context: number, most: number): Contexts {
  checkPieces('spread', pieces);
  checkWindow('spread', context, most);
  const all = starts(pieces, context, context);
  const rows = Math.max(1, Math.min(all.length, Math.floor(most / context)));
  return rowsAt(
    pieces,
    context,
    Int32Array.from({ length: rows }, (_, i) => all[Math.floor((i * all.length) / rows)]),
  );
}

/**
 * A row for each token that has `context` tokens before it in its piece: `x` is i32[rows, context], `y` i32[rows] the token behind
 * (Bengio et al. 2003, section 2).
 */
export function continuations(pieces: readonly Int32Array[], context: number): Contexts {
  const rows = pieces.reduce((n, { length }) => n + Math.max(0, length - context), 0);
  const x = new Int32Array(rows * context);
  const y = new Int32Array(rows);
  let row = 0;
  for (const piece of pieces)
    for (let at = context; at < piece.length; at++, row++) {
      x.set(piece.subarray(at - context, at), row * context);
      y[row] = piece[at];
    }
  return { x, y, rows };
}

/** Where windows begin in all pieces, one after the other; none reaches into the next piece. */
function starts(pieces: readonly Int32Array[], context: number, apart: number): Int32Array {
  const counts = pieces.map((piece) => Math.max(0, Math.floor((piece.length - context - 1) / apart) + 1));
  const all = new Int32Array(counts.reduce((a, b) => a + b, 0));
  let [n, begin] = [0, 0];
  pieces.forEach((piece, i) => {
    for (let k = 0; k < counts[i]; k++) all[n++] = begin + k * apart;
    begin += piece.length;
  });
  return all;
}

function rowsAt(pieces: readonly Int32Array[], context: number, begins: Int32Array): Contexts {
  const x = new Int32Array(begins.length * context);
  const y = new Int32Array(begins.length * context);
  let [i, before] = [0, 0];
  begins.forEach((begin, row) => {
    while (begin - before >= pieces[i].length) before += pieces[i++].length;
    const start = begin - before;
    x.set(pieces[i].subarray(start, start + context), row * context);
    y.set(pieces[i].subarray(start + 1, start + context + 1), row * context);
  });
  return { x, y, rows: begins.length };
}
