import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, ours, train } from '../../bench/golden/compare.js';
import { type GoldenFile, readGolden, type Sums } from '../../bench/golden/file.js';
import { type BuildOptions, buildGolden } from '../../bench/golden/model.js';
import { sumsTolerance } from '../../bench/golden/run.js';
import type { Session } from '../../src/index.js';

export interface Engine {
  name: string;
  options?: BuildOptions;
  /** The most steps of a file; all unless given. */
  mostSteps?: number;
  /** Of transformers, which take long; all unless given. */
  transformerSteps?: number;
  /** Of networks with some hundred thousand multiplications for each row, which take as long; all unless given. */
  largeSteps?: number;
  /** Whether to look at the gradients alone, after one step. */
  firstStepOnly?: boolean;
  /** Whether a bias in front of a batch norm, which has no gradient, is moved by rounding, and the mean that the norm keeps. */
  noise?: boolean;
  /** Relative. */
  tolerance: { loss: number; sums: number };
  open(step: ReturnType<typeof buildGolden>['step'], file: GoldenFile): Session | Promise<Session>;
}

const folder = fileURLToPath(new URL('./', import.meta.url));

/** All golden files. */
export const goldenFiles: GoldenFile[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map((file) => readGolden(folder + file));

const isLarge = (config: GoldenFile['config']) =>
  (config.model === 'bengio' && config.vocab > 1000) || (config.model === 'mlp' && config.dims[0] > 500);

/** Tests that an engine follows every golden file. */
export function followsGoldenFiles(engine: Engine): void {
  const { tolerance } = engine;
  const most = ({ config, loss }: GoldenFile) => {
    const { mostSteps = loss.length, transformerSteps = mostSteps, largeSteps = mostSteps } = engine;
    const isTransformer = config.model === 'gpt' || config.model === 'llama';
    return Math.min(loss.length, isTransformer ? transformerSteps : isLarge(config) ? largeSteps : mostSteps);
  };
  describe.each(goldenFiles.filter((file) => most(file) > 0))(`${engine.name} on $name`, (file) => {
    const steps = engine.firstStepOnly ? 1 : most(file);
    let got: Outcome;

    beforeAll(async () => {
      const run = buildGolden(file.config, engine.options);
      await using session = await engine.open(run.step, file);
      got = train(run, session, file, steps);
    });

    it(`has PyTorch's loss at each of the steps`, () => {
      expect(got.losses).toHaveLength(steps);
      const off = got.losses
        .map((loss, t) => ({
          step: t + 1,
          loss,
          want: file.loss[t],
          error: Math.abs(loss / file.loss[t] - 1),
        }))
        .filter(({ error }) => !(error <= tolerance.loss));
      expect(off).toEqual([]);
    });

    if (engine.options?.keepGradients) {
      it(`has PyTorch's gradients in the first step`, () => {
        expect(different(got.firstGradients, file.firstGradients, tolerance.sums)).toEqual([]);
      });
    }

    if (steps === file.loss.length) {
      it('ends with the parameters and running statistics of PyTorch', () => {
        const want = Object.entries(file.final).filter(([name]) => !engine.noise || !isNoise(file, name));
        // In float64 there is no such noise.
        const sums = tolerance.sums < 1e-4 ? tolerance.sums : sumsTolerance(file.config);
        expect(different(got.final, Object.fromEntries(want), sums)).toEqual([]);
      });

      it('has a sum in the file for every parameter of the model', () => {
        const run = buildGolden(file.config);
        const parameters = run.step.program.variables.filter(({ role }) => role === 'parameter');
        const summed = Object.keys(file.final).map((name) => ours(run, name));
        expect(parameters.map(({ name }) => name).filter((name) => !summed.includes(name))).toEqual([]);
      });
    }
  });
}

/**
 * Sums further apart than the tolerance: of the sum of squares itself, and of the sum relative to the root of the
 * sum of squares (a sum of some thousand numbers cancels, so that its own size is no scale). What is 0 but for rounding has none.
 */
function different(got: Sums, want: Sums, tolerance: number): unknown[] {
  const none = 1e-20 * Math.max(...Object.values(want).map(([, squares]) => squares));
  return Object.entries(want).flatMap(([name, [sum, squares]]) => {
    const [gotSum, gotSquares] = got[name] ?? [Number.NaN, Number.NaN];
    if (gotSquares <= none && squares <= none) return [];
    const near =
      Math.abs(gotSquares - squares) <= tolerance * squares &&
      Math.abs(gotSum - sum) <= 10 * tolerance * Math.sqrt(squares);
    return near ? [] : [{ name, got: [gotSum, gotSquares], want: [sum, squares] }];
  });
}

/** Parameters whose gradient is 0 but for rounding, and what follows them. */
function isNoise({ firstGradients }: GoldenFile, name: string): boolean {
  const largest = Math.max(...Object.values(firstGradients).map(([, squares]) => squares));
  const still = Object.entries(firstGradients).some(([, [, squares]]) => squares < 1e-20 * largest);
  return still && (name.endsWith('running_mean') || (firstGradients[name]?.[1] ?? 1) < 1e-20 * largest);
}
