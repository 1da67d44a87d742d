import { crossEntropy, f32, globalMean, i32, init, nn, type Tensor } from '../../src/index.js';
import type { CnnConfig, CnnLayer } from './file.js';
import { ints, uniform } from './hash.js';
import { activations, type BuildOptions, type GoldenRun, makeStep } from './model.js';

// Golden runs of convolutional networks: the layers that users build, on images with their channels last. Data, filters and what
// is flattened come with their channels first.

/** A part of the network, and what it makes of an image of some shape: [...places, channels], or [features]. */
interface Part {
  forward(x: Tensor): Tensor;
  shape: number[];
}

export function images(config: CnnConfig, { keepGradients }: BuildOptions): GoldenRun {
  const { image, classes, batch, layers } = config;
  const builder = new Builder();
  const [channels, ...places] = image;
  const { forward } = builder.sequence(layers, [...places, channels]);
  const toLast = [0, ...places.map((_, i) => i + 2), 1];
  const size = image.reduce((a, b) => a * b, batch);
  return {
    step: makeStep(
      {
        model: builder.model,
        forward: (x) => forward(x.transpose(toLast)),
        batch: { x: f32(batch, ...image), y: i32(batch) },
        loss: crossEntropy,
      },
      config.optim,
      keepGradients,
    ),
    batch: (t) => ({ x: uniform(size, 1, 1000 + 2 * t), y: ints(batch, classes, 1001 + 2 * t) }),
    learningRate: config.optim.lr,
    keepsGradients: keepGradients === true,
    names: builder.names,
  };
}

/** Layers with parameters are counted in the order of the text. */
class Builder {
  readonly model: Record<string, nn.Module> = {};
  readonly names: Record<string, string> = {};

  sequence(layers: readonly CnnLayer[], shape: number[]): Part {
    const parts: Part[] = [];
    for (const layer of layers) parts.push(this.part(layer, parts.at(-1)?.shape ?? shape));
    return {
      forward: (x) => parts.reduce((y, part) => part.forward(y), x),
      shape: parts.at(-1)?.shape ?? shape,
    };
  }

  private part(layer: CnnLayer, shape: number[]): Part {
    const [places, channels] = [shape.slice(0, -1), shape.at(-1)!];
    if ('residual' in layer) {
      const inner = this.sequence(layer.residual, shape);
      return { forward: (x) => x.add(inner.forward(x)), shape: inner.shape };
    }
    if ('conv' in layer) return this.convolution(layer, places, channels);
    if ('linear' in layer) return this.linear(layer.linear, channels);
    if ('norm' in layer) {
      const norm = nn.batchNorm(channels, { momentum: layer.momentum ?? 0.1 });
      const named = { g: 'gain', b: 'bias', running_mean: 'runningMean', running_var: 'runningVariance' };
      return { forward: this.named(norm, named), shape };
    }
    if ('act' in layer) return { forward: activations[layer.act], shape };
    if ('pool' in layer) {
      const { pool, size, stride = size } = layer;
      const forward = (pool === 'max' ? nn.maxPool : nn.avgPool)(size, { stride });
      return { forward, shape: [...places.map((n) => Math.floor((n - size) / stride) + 1), channels] };
    }
    if ('mean' in layer) return { forward: globalMean, shape: [channels] };
    const order = [0, places.length + 1, ...places.map((_, i) => i + 1)];
    const features = shape.reduce((a, b) => a * b, 1);
    return { forward: (x) => x.transpose(order).reshape([-1, features]), shape: [features] };
  }

  private convolution(layer: Extract<CnnLayer, { conv: number }>, places: number[], channels: number): Part {
    const { conv: out, kernel, stride = 1, padding = 0, groups = 1, bias = true } = layer;
    const [each, taps] = [channels / groups, kernel ** places.length];
    const salt = this.salt;
    const filters = uniform(out * each * taps, Math.sqrt(6 / (each * taps)), salt);
    const options = {
      ...{ stride, padding, groups, bias },
      weight: init.values(filtersLast(filters, out, each, taps)),
      ...(bias && { biasInit: init.values(uniform(out, 0.1, salt + 1)) }),
    };
    const made = (places.length === 1 ? nn.conv1d : nn.conv2d)(channels, out, kernel, options);
    const sizes = places.map((n) => Math.floor((n + 2 * padding - kernel) / stride) + 1);
    return {
      forward: this.named(made, { w: 'weight', ...(bias && { b: 'bias' }) }),
      shape: [...sizes, out],
    };
  }

  private linear(out: number, inputs: number): Part {
    const salt = this.salt;
    const made = nn.linear(inputs, out, {
      weight: init.values(uniform(inputs * out, Math.sqrt(6 / inputs), salt)),
      biasInit: init.values(uniform(out, 0.1, salt + 1)),
    });
    return { forward: this.named(made, { w: 'weight', b: 'bias' }), shape: [out] };
  }

  private get salt(): number {
    return 2000 + 10 * Object.keys(this.model).length;
  }

  /** Counts a layer with these parameters, by the names of the golden file. */
  private named(made: nn.Module, parts: Record<string, string>): nn.Module {
    const number = Object.keys(this.model).length;
    this.model[number] = made;
    for (const [name, own] of Object.entries(parts)) this.names[`${number}.${name}`] = `${number}.${own}`;
    return made;
  }
}

/** [out, in, taps] as [taps, in, out]. */
function filtersLast(values: Float32Array, out: number, each: number, taps: number): Float32Array {
  const last = new Float32Array(values.length);
  for (let o = 0; o < out; o++)
    for (let c = 0; c < each; c++)
      for (let k = 0; k < taps; k++) last[(k * each + c) * out + o] = values[(o * each + c) * taps + k];
  return last;
}
