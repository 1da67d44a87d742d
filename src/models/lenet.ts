import { checkOptions, wholeNumber } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import * as init from '../init/index.js';
import * as nn from '../nn/index.js';
import { formatShape } from '../shape.js';

export interface LenetOptions {
  /** Number of classes; 10 unless given. */
  classes?: number | undefined;
  /** Channels of an image; 1 unless given. */
  channels?: number | undefined;
  /** Height and width of an image, from 12; 28 unless given. */
  size?: number | undefined;
}

/**
 * LeNet-5: images f32[batch, size, size, channels] -> logits f32[batch, classes]. Two convolutions of 5 x 5 with 6 and
 * 16 filters,
 * the first padded so that images keep their size, each halved by a pool; then 120, 84 and `classes` units. (LeCun et
 * al. 1998,
 * figure 2; with rectifiers, the largest of each window, and all channels seen by the second convolution.)
 *
 * @example
 * ```ts
 * import { crossEntropy, f32, i32, lenet, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: lenet(),
 *   batch: { x: f32(8, 28, 28, 1), y: i32(8) },
 *   loss: (model, { x, y }) => crossEntropy(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 61706
 * ```
 */
export function lenet(options: LenetOptions = {}): nn.Module {
  checkOptions('lenet', options, ['classes', 'channels', 'size']);
  const { classes = 10, channels = 1, size = 28 } = options;
  for (const [name, value] of Object.entries({ classes, channels, size }))
    wholeNumber(`lenet: ${name}`, value);
  if (size < 12)
    throw new OptionError(`lenet: images need 12 places or more on each side, got a size of ${size}`);
  const weight = init.kaimingNormal();
  const left = Math.floor((Math.floor(size / 2) - 4) / 2);
  const layers = nn.sequential(
    nn.conv2d(channels, 6, 5, { padding: 2, weight, biasInit: init.zeros }),
    nn.relu(),
    nn.maxPool(2),
    nn.conv2d(6, 16, 5, { weight, biasInit: init.zeros }),
    nn.relu(),
    nn.maxPool(2),
    nn.flatten(),
    nn.linear(16 * left * left, 120, { weight, biasInit: init.zeros }),
    nn.relu(),
    nn.linear(120, 84, { weight, biasInit: init.zeros }),
    nn.relu(),
    // Nearly equal logits: the first loss is that of a uniform guess.
    nn.linear(84, classes, { weight: init.normal(0, 0.01), biasInit: init.zeros }),
  );
  return nn.layer(
    layers.parts,
    (x) => {
      if (x.rank !== 4 || formatShape(x.shape.slice(1)) !== formatShape([size, size, channels]))
        throw new ShapeError(
          `lenet: expected images [batch, ${size}, ${size}, ${channels}], got ${formatShape(x.shape)}`,
        );
      return layers(x);
    },
    'lenet',
  );
}
