import { checkOptions, shown } from '../check.js';
import { closing } from '../closing.js';
import { OptionError } from '../errors.js';
import type { CompileStepOptions } from '../run/train-step.js';
import { smoother } from '../smooth.js';
import type { Columns } from '../train/engine.js';
import { Session } from '../train/session.js';
import { type Bounds, findBounds, HIGHEST, LOWEST, type Probe } from './bounds.js';
import { type Suggestion, suggest } from './suggest.js';
import { Trials } from './trials.js';

export interface FinderOptions {
  /** Steps of the run with the rising rate: more make its curve smoother; 1,000 unless given. */
  steps?: number | undefined;
  /** Steps of each of the trainings that look for the bounds; 100 unless given. */
  probeSteps?: number | undefined;
  /** Where the rising rate begins and ends, instead of looking for the bounds. */
  bounds?: { lower: number; upper: number } | undefined;
  /** Ends the search; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: FinderProgress) => void) | undefined;
}

/** How to run a training step that is no session yet. */
export interface FinderRunOptions extends FinderOptions {
  data: Columns;
  seed?: number | undefined;
  threads?: number | undefined;
  engine?: 'compiled' | 'tape' | undefined;
}

/** A training step of any model, as `trainStep` makes it. */
export interface Startable {
  compile(options?: CompileStepOptions): Promise<Session>;
  interpret(options?: { seed?: number }): Session;
}

export type FinderProgress =
  | { stage: 'bounds'; probe: Probe }
  | { stage: 'sweep'; at: number; steps: number; rate: number; loss: number };

export interface LearningRateSearch extends Suggestion {
  /** Where the loss stands still and where it explodes; the trainings that told are empty if the bounds were given. */
  bounds: Bounds;
  /** The rate of each step of the single run; it ends where the loss explodes. */
  rates: number[];
  /** The loss before each of these steps; the last may be infinite or NaN. */
  losses: number[];
  /** The running average of the losses (`smooth`), by which the suggestion goes. */
  smoothed: number[];
}

/** The rising rate goes on a little above the upper bound, to see the loss turn. */
const BEYOND = Math.sqrt(10);
/** The average reaches over this part of the steps. */
const WINDOW = 1 / 20;
const MIN_STEPS = 50;

/**
 * Looks for a learning rate. First the bounds between which the model learns, by short trainings from the same start;
 * then a single run in which the rate rises exponentially between them, from step to step, until the loss explodes.
 * (Smith 2017, "Cyclical learning rates for training neural networks", section 3.3, with an exponential instead of a
 * linear rise.)
 *
 * On a session, the variables and the place in the run are put back afterwards, bit for bit. The result depends on the
 * model, where it stands, the data and the seed, not on the engine's number of threads or the time.
 *
 * @example
 * ```ts
 * import { f32, findLearningRate, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(8, 2), y: f32(8, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.sgd(),
 * });
 * const session = step.interpret();
 * const x = Array.from({ length: 64 }, (_, i) => Math.sin(i));
 * session.data({ x, y: x.filter((_, i) => i % 2 === 0) });
 * const { rates, losses } = await findLearningRate(session, { steps: 50 });
 * console.log(rates.length === losses.length, session.at); // true 0
 * ```
 */
export async function findLearningRate(
  source: Session | Startable,
  options: FinderOptions | FinderRunOptions = {},
): Promise<LearningRateSearch> {
  check(options);
  const isStep = typeof source === 'object' && source !== null && 'interpret' in source;
  checkOptions('findLearningRate', options as FinderRunOptions, [...OPTIONS, ...OF_STEPS]);
  if (!isStep && !(source instanceof Session))
    throw new OptionError(`findLearningRate: expected a session or a training step, got ${shown(source)}`);
  if (!('interpret' in source)) {
    const own = OF_STEPS.find((name) => name in options);
    if (own) throw new OptionError(`findLearningRate: the session has its own ${own}: leave ${own} out`);
    return search(source, options);
  }
  const { data, seed, threads, engine = 'compiled' } = options as FinderRunOptions;
  if (engine !== 'compiled' && engine !== 'tape')
    throw new OptionError(`findLearningRate: engine must be compiled or tape, got ${engine}`);
  if (!data) throw new OptionError('findLearningRate: a training step needs data: { data: { x, y } }');
  return closing(async (use) => {
    const session = use(
      engine === 'tape' ? source.interpret({ seed }) : await source.compile({ seed, threads }),
    );
    session.data(data);
    return search(session, options);
  });
}

async function search(session: Session, options: FinderOptions): Promise<LearningRateSearch> {
  const { steps = 1000, probeSteps = 100, signal, onProgress } = options;
  const trials = new Trials(session, signal);
  const bounds: Bounds = options.bounds
    ? { ...options.bounds, probes: [] }
    : await findBounds(trials, probeSteps, (probe) => onProgress?.({ stage: 'bounds', probe }));
  const top = options.bounds ? bounds.upper : bounds.upper * BEYOND;
  const rates = Array.from({ length: steps }, (_, i) =>
    Math.fround(bounds.lower * (top / bounds.lower) ** (i / (steps - 1))),
  );
  const watch = new Watch(steps);
  const losses = await trials.run(rates, (loss, i) => {
    onProgress?.({ stage: 'sweep', at: i + 1, steps, rate: rates[i], loss });
    return watch.exploded(loss);
  });
  rates.length = losses.length;
  const { smoothed } = watch;
  return { bounds, rates, losses, smoothed, ...suggest(rates, smoothed, watch.window) };
}

/** Averages the losses of the single run, and says when they have exploded. */
class Watch {
  readonly smoothed: number[] = [];
  private readonly average: (loss: number) => number;
  readonly window: number;
  private readonly first: number[] = [];
  private low = Number.POSITIVE_INFINITY;

  constructor(steps: number) {
    this.window = Math.max(5, Math.round(steps * WINDOW));
    this.average = smoother(1 - 1 / this.window);
  }

  /** Whether the average has risen above where it began by more than it ever fell below, and by more than noise. */
  exploded(loss: number): boolean {
    const now = this.average(loss);
    this.smoothed.push(now);
    this.low = Math.min(this.low, now);
    if (this.first.length < this.window) {
      this.first.push(loss);
      return false;
    }
    const start = this.first.reduce((a, b) => a + b) / this.window;
    const noise = Math.sqrt(this.first.reduce((sum, x) => sum + (x - start) ** 2, 0) / this.window);
    return now - start > Math.max(start - this.low, 4 * noise);
  }
}

const OPTIONS = ['steps', 'probeSteps', 'bounds', 'signal', 'onProgress'] as const;
/** What a session has settled. */
const OF_STEPS = ['data', 'seed', 'threads', 'engine'] as const;

function check({ steps = 1000, probeSteps = 100, bounds }: FinderOptions): void {
  for (const [name, value, least] of [
    ['steps', steps, MIN_STEPS],
    ['probeSteps', probeSteps, 2],
  ] as const) {
    if (!Number.isInteger(value) || value < least || value > 1e6)
      throw new OptionError(
        `findLearningRate: ${name} must be a whole number from ${least} to 1000000, got ${shown(value)}`,
      );
  }
  if (!bounds) return;
  const { lower, upper } = bounds;
  if (!(lower >= LOWEST && upper <= HIGHEST && lower < upper)) {
    throw new OptionError(
      `findLearningRate: bounds must be rates from ${LOWEST} to ${HIGHEST}, the lower below the upper, got ${lower} and ${upper}`,
    );
  }
}
