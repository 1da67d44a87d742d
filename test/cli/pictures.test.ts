import { expect, it } from 'vitest';
import { pictureSections } from '../../src/cli/pictures.js';
import { crossEntropy, f32, i32, nn, optim, trainStep } from '../../src/index.js';
import type { Shape } from '../../src/shape.js';

const CLASSES = 3;

/** A model of images of this shape that takes each for class 1, and four images. */
function opened(shape: Shape, { predicts = true } = {}) {
  const size = shape.reduce((a, b) => a * b, 1);
  const step = trainStep({
    model: nn.sequential(nn.flatten(), nn.linear(size, CLASSES)),
    batch: { image: f32(2, ...shape), kind: i32(2) },
    loss: (model, { image, kind }) => crossEntropy(model(image), kind),
    optimizer: optim.sgd(),
    predict: {
      inputs: { image: f32(3, ...shape) },
      output: (model, { image }) => model(predicts ? image : image.sum(0, { keepDims: true })),
    },
  });
  const session = step.interpret();
  session.write('layers.1.weight', new Float32Array(size * CLASSES));
  session.write('layers.1.bias', [0, 1, 0]);
  const image = Float32Array.from({ length: 4 * size }, (_, i) => (i % 7) / 7);
  return { session, rows: { columns: { image, kind: Int32Array.of(1, 0, 1, 2) }, rows: 4 } };
}

const drawn = (shape: Shape, options?: { predicts: boolean }) => {
  const { session, rows } = opened(shape, options);
  return pictureSections(session, 'test', rows) as { heading: string; svg: string }[];
};

it.each([[[5, 6]], [[5, 6, 1]], [[5, 6, 3]], [[3, 5, 6]], [[1, 5, 6]]])(
  'images of %j are drawn with what they are and what they are taken for',
  (shape) => {
    const [{ heading, svg }] = drawn(shape);
    expect(heading).toBe('Images of test, and what they are taken for');
    const labels = [...svg.matchAll(/text-anchor="middle"[^>]*>([^<]*)</g)].map(([, label]) => label);
    expect(labels).toEqual(['1', '1, is 0', '1', '1, is 2']);
  },
);

it('the channels of an image may stand first', () => {
  const first = opened([3, 4, 5]);
  const last = opened([4, 5, 3]);
  const { image } = first.rows.columns;
  const turned = image.map((_, i) => {
    const [row, channel, pixel] = [Math.floor(i / 60), i % 3, Math.floor((i % 60) / 3)];
    return image[row * 60 + channel * 20 + pixel];
  });
  const expected = pictureSections(last.session, 'x', {
    ...last.rows,
    columns: { ...last.rows.columns, image: turned },
  });
  expect(pictureSections(first.session, 'x', first.rows)).toEqual(expected);
});

it('without predict they say what they are, and rows that are no images are not drawn', () => {
  const [{ svg }] = drawn([5, 6], { predicts: false });
  expect(svg).toContain('>0<');
  expect(svg).not.toContain(', is ');
  expect(drawn([30])).toEqual([]);
  expect(drawn([5, 6, 4])).toEqual([]);
  expect(drawn([2, 2, 3, 5])).toEqual([]);
});
