// npx tsx examples/attention/main.ts [FOLDER]: how a place looks at the places before it, step by step.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attention, lowerTriangle, RandomStream, rotary, type Tensor, tensor } from '2headgrad';
import { heatMap, lineChart } from '2headgrad/report';

const folder = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));
const random = new RandomStream(42, 1);
let drawn = 0;
const normal = (...shape: number[]): Tensor => {
  const n = shape.reduce((a, b) => a * b, 1);
  return tensor(Array.from({ length: n }, () => random.normal(drawn++))).reshape(shape);
};
const numbers = (t: Tensor) => Array.from((t as ReturnType<typeof tensor>).data);
const rowsOf = (t: Tensor) => {
  const width = t.shape.at(-1)!;
  const all = numbers(t);
  return Array.from({ length: all.length / width }, (_, i) => all.slice(i * width, (i + 1) * width));
};
const furthest = (a: Tensor, b: Tensor) => Math.max(...numbers(a.sub(b)).map(Math.abs));
/** Of float32 nothing but rounding is left below this. */
const same = (a: Tensor, b: Tensor) => (furthest(a, b) < 1e-5 ? 'the same' : `off by ${furthest(a, b)}`);
const picture = (name: string, svg: string) => writeFileSync(join(folder, `${name}.svg`), svg);

const TEXT = ['the', 'cat', 'sat', 'on', 'the', 'mat'];
const PLACES = TEXT.length;
const upTo = (x: Tensor, place: number) => x.slice([0, 0], [place + 1, x.shape[1]]);
const notLater = () => lowerTriangle(PLACES, PLACES);

function averages() {
  console.log('1. Three ways to average the past: six places, vectors of width 4');
  const x = normal(PLACES, 4);
  const byLoop = rowsOf(x).map((_, place) => numbers(upTo(x, place).mean(0)));
  const loop = tensor(byLoop);
  const counts = tensor(TEXT.map((_, place) => [place + 1]));
  const shares = notLater().cast('f32').div(counts);
  const zeros = tensor(TEXT.map(() => TEXT.map(() => 0)));
  const masked = notLater().where(zeros, Number.NEGATIVE_INFINITY).softmax();
  console.log(`   a loop, and a product with a triangle of shares:  ${same(loop, shares.matmul(x))}`);
  console.log(
    `   the triangle, and a softmax of masked zeros:      ${same(shares.matmul(x), masked.matmul(x))}`,
  );
  console.log(
    `   what the fourth place makes of the first four:    ${rowsOf(masked)[3]
      .map((w) => w.toFixed(2))
      .join(' ')}`,
  );
  picture(
    'average',
    heatMap({
      title: 'An average of the past: all weights of a row are alike',
      x: 'looked at',
      y: 'looking',
      columns: TEXT,
      rows: TEXT,
      values: rowsOf(masked),
      digits: 2,
    }),
  );
}

function weighted() {
  console.log('\n2. Weights that depend on what is there: softmax(q kT / sqrt(d)), masked');
  const width = 4;
  const x = normal(PLACES, 8);
  const [q, k, v] = [x.matmul(normal(8, width)), x.matmul(normal(8, width)), x.matmul(normal(8, width))].map(
    (t) => t.mul(1 / Math.sqrt(8)),
  );
  const scores = q.matmul(k.transpose([1, 0])).div(Math.sqrt(width));
  const weights = notLater().where(scores, Number.NEGATIVE_INFINITY).softmax();
  console.log(
    `   by hand, and attention(q, k, v, { causal: true }): ${same(weights.matmul(v), attention(q, k, v, { causal: true }))}`,
  );
  const changed = v.add(tensor(TEXT.map((_, place) => [place === 5 ? 100 : 0])));
  const first = (t: Tensor) => t.slice([0, 0], [PLACES - 1, width]);
  console.log(
    `   the first five places when the sixth changes:      ${same(first(attention(q, k, v, { causal: true })), first(attention(q, k, changed, { causal: true })))}`,
  );
  picture(
    'attention',
    heatMap({
      title: 'Attention: every place chooses whom it looks at',
      x: 'looked at',
      y: 'looking',
      columns: TEXT,
      rows: TEXT,
      values: rowsOf(weights),
      digits: 2,
    }),
  );
}

function scale() {
  console.log('\n3. Why 1 / sqrt(d): 200 queries, each with 16 keys, of normal numbers');
  console.log(
    '       d   variance of q k   largest weight   its slope w (1 - w)   largest, scaled   its slope',
  );
  const widths = [1, 4, 16, 64, 256];
  const largest: [plain: number, scaled: number][] = [];
  for (const d of widths) {
    const scores = normal(200, 1, d).matmul(normal(200, 16, d).transpose([0, 2, 1]));
    const variance = numbers(scores.square().mean())[0];
    const [plain, scaled] = [scores, scores.div(Math.sqrt(d))].map((s) => {
      const w = s.softmax().max(-1);
      return { largest: numbers(w.mean())[0], slope: numbers(w.mul(w.mul(-1).add(1)).mean())[0] };
    });
    largest.push([plain.largest, scaled.largest]);
    const cells = [
      variance.toFixed(1).padStart(17),
      plain.largest.toFixed(3).padStart(16),
      plain.slope.toFixed(3).padStart(21),
      scaled.largest.toFixed(3).padStart(17),
      scaled.slope.toFixed(3).padStart(11),
    ];
    console.log(`   ${String(d).padStart(5)}${cells.join(' ')}`);
  }
  const line = (label: string, which: 0 | 1) => ({
    label,
    points: widths.map((d, i) => ({ x: Math.log2(d), y: largest[i][which] })),
    dots: true,
  });
  picture(
    'scale',
    lineChart({
      title: 'How much of the weight goes to one of 16 keys',
      x: 'log2 of d, the width of a head',
      y: 'largest weight',
      series: [line('q k', 0), line('q k / sqrt(d)', 1)],
      range: [0, 1],
    }),
  );
}

function turning() {
  console.log('\n4. Rotary positions: what a product of two vectors knows of their places');
  const [q, k] = [normal(1, 8), normal(1, 8)];
  const at = (t: Tensor, place: number) => rotary(t, { positions: tensor([place], { dtype: 'i32' }) });
  const product = (i: number, j: number) => numbers(at(q, i).mul(at(k, j)).sum())[0];
  for (const [i, j] of [
    [3, 1],
    [13, 11],
    [103, 101],
    [3, 2],
    [103, 102],
  ])
    console.log(
      `   q at ${String(i).padStart(3)}, k at ${String(j).padStart(3)}, ${i - j} apart: ${product(i, j).toFixed(3)}`,
    );
  const length = (t: Tensor) => numbers(t.square().sum())[0].toFixed(3);
  console.log(`   squared length of q at 0 and at 100: ${length(at(q, 0))} and ${length(at(q, 100))}`);
  const one = (width: number) =>
    tensor(Array.from({ length: width }, () => 1 / Math.sqrt(width))).reshape([1, width]);
  const far = Array.from({ length: 129 }, (_, i) => i);
  const fade = (width: number) => ({
    label: `width ${width}`,
    points: far.map((x) => ({
      x,
      y: numbers(
        at(one(width), 0)
          .mul(at(one(width), x))
          .sum(),
      )[0],
    })),
  });
  picture(
    'rotary',
    lineChart({
      title: 'Two equal vectors, turned by their places',
      x: 'how far apart they stand',
      y: 'product',
      series: [fade(2), fade(8), fade(64)],
    }),
  );
}

function blocks() {
  console.log('\n5. Softmax by blocks: no more than 4 of 16 scores at a time');
  const [scores, v] = [normal(1, 16).mul(3), normal(16, 4)];
  let [most, sum] = [Number.NEGATIVE_INFINITY, 0];
  let found: Tensor = tensor([[0, 0, 0, 0]]);
  for (let begin = 0; begin < 16; begin += 4) {
    const s = scores.slice([0, begin], [1, 4]);
    const next = Math.max(most, ...numbers(s));
    const e = s.sub(next).exp();
    // What was found so far was made with the old maximum.
    const older = Math.exp(most - next);
    sum = sum * older + numbers(e.sum())[0];
    found = found.mul(older).add(e.matmul(v.slice([begin, 0], [4, 4])));
    most = next;
    console.log(
      `   keys up to ${String(begin + 4).padStart(2)}: maximum ${most.toFixed(3)}, sum of exponentials ${sum.toFixed(3)}`,
    );
  }
  console.log(`   the same as softmax(scores) v: ${same(found.div(sum), scores.softmax().matmul(v))}`);
}

averages();
weighted();
scale();
turning();
blocks();
