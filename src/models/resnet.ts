import { checkOptions, shown, wholeNumber } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import * as init from '../init/index.js';
import * as nn from '../nn/index.js';
import { formatShape } from '../shape.js';

export interface ResnetOptions {
  /** Number of classes; 10 unless given. */
  classes?: number | undefined;
  /** Channels of an image; 3 unless given. */
  channels?: number | undefined;
  /** Channels of each stage; every stage but the first halves height and width. [16, 32, 64] unless given. */
  widths?: readonly number[] | undefined;
  /** Residual blocks of a stage; 1 unless given. */
  blocks?: number | undefined;
}

/**
 * A residual network for small images of any size: f32[batch, height, width, channels] -> logits f32[batch, classes]. A
 * convolution
 * of 3 x 3, stages of blocks of two such with batch norm, the mean of each channel, and one product. With three blocks
 * a stage it
 * is the network of 20 layers of He et al. 2016, section 4.2, with projections where widths change.
 *
 * @example
 * ```ts
 * import { crossEntropy, f32, i32, optim, resnet, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: resnet({ classes: 10 }),
 *   batch: { x: f32(2, 32, 32, 3), y: i32(2) },
 *   loss: (model, { x, y }) => crossEntropy(model(x), y),
 *   optimizer: optim.sgd({ momentum: 0.9 }),
 * });
 * console.log(step.interpret().parameterCount); // 78042
 * ```
 */
export function resnet(options: ResnetOptions = {}): nn.Module {
  checkOptions('resnet', options, ['classes', 'channels', 'widths', 'blocks']);
  const { classes = 10, channels = 3, widths = [16, 32, 64], blocks = 1 } = options;
  for (const [name, value] of Object.entries({ classes, channels, blocks }))
    wholeNumber(`resnet: ${name}`, value);
  if (!Array.isArray(widths) || widths.length === 0)
    throw new OptionError(`resnet: widths: expected a list of one number or more, got ${shown(widths)}`);
  for (const width of widths) wholeNumber('resnet: widths', width);
  const stages = widths.flatMap((width: number, i) =>
    Array.from({ length: blocks }, (_, k) =>
      block(k === 0 ? widths[Math.max(0, i - 1)] : width, width, i > 0 && k === 0 ? 2 : 1),
    ),
  );
  const layers = nn.sequential(
    ...convolved(channels, widths[0], 3, 1),
    nn.relu(),
    ...stages,
    nn.globalMean(),
    nn.linear(widths.at(-1)!, classes),
  );
  return nn.layer(
    layers.parts,
    (x) => {
      if (x.rank !== 4 || x.shape[3] !== channels)
        throw new ShapeError(
          `resnet: expected images [batch, height, width, ${channels}], got ${formatShape(x.shape)}`,
        );
      return layers(x);
    },
    'resnet',
  );
}

function block(inputs: number, outputs: number, stride: number): nn.Module {
  const inner = nn.sequential(
    ...convolved(inputs, outputs, 3, stride),
    nn.relu(),
    ...convolved(outputs, outputs, 3, 1),
  );
  const shortcut =
    stride === 1 && inputs === outputs ? undefined : nn.sequential(...convolved(inputs, outputs, 1, stride));
  return nn.sequential(nn.residual(inner, shortcut), nn.relu());
}

/** A convolution without a bias, which the batch norm after it would take off, and that. */
function convolved(inputs: number, outputs: number, kernel: number, stride: number): nn.Module[] {
  const padding = (kernel - 1) / 2;
  return [
    nn.conv2d(inputs, outputs, kernel, { stride, padding, bias: false, weight: init.kaimingNormal() }),
    nn.batchNorm(outputs),
  ];
}
