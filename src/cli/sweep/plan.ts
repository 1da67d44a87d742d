import { join } from 'node:path';
import { reason, writeInFolder } from '../../data/files.js';
import { isObject, parseJson, quoted } from '../../data/json.js';
import { MOST, readRegular } from '../../data/read.js';
import { DataError, OptionError } from '../../errors.js';
import type { Kind } from '../kinds/kind.js';
import type { Settings } from '../settings.js';
import type { Judge } from './board.js';
import { type Configuration, grid, random } from './draw.js';
import { halvingRounds, type Round } from './halving.js';
import { identityDifference, type SweepIdentity } from './identity.js';
import { constantIn, type Space, spaceFrom, variedIn } from './space.js';

export const STRATEGIES = ['grid', 'random', 'halving'] as const;
export type Strategy = (typeof STRATEGIES)[number];

export const PLAN = 'sweep.json';
const FORMAT = '2headgrad sweep';
const VERSION = 1;
export const COUNT = 20;
export const ETA = 3;

/** What a sweep is begun with, as `sweep.json` keeps it: all that its table depends on. */
export interface Plan {
  readonly strategy: Strategy;
  readonly count: number;
  readonly eta: number;
  readonly seed: number;
  readonly judge: Judge;
  /** The JSON of the space. */
  readonly space: Record<string, unknown>;
  /** The file that the user named. */
  readonly data: string | null;
  readonly identity: SweepIdentity;
}

/** The configurations of a sweep, and how many of them are trained for how long. */
export interface Course {
  readonly configurations: readonly Configuration[];
  /** Settings that have several values, and all that the space names. */
  readonly varied: readonly string[];
  readonly names: readonly string[];
  /** One, unless it is halving; `steps` is undefined where each configuration says its own. */
  readonly rounds: readonly (Omit<Round, 'steps'> & { readonly steps?: number })[];
}

/** Unless told: all of a space of lists, else some at random. */
export const usualStrategy = (space: Space): Strategy =>
  [...space.values()].some((domain) => 'range' in domain) ? 'random' : 'grid';

/** What a plan comes to. Throws GradError where the strategy does not fit the space. */
export function courseOf(
  { strategy, count, eta, seed, space: json }: Plan,
  kind: Kind,
  where: string,
): Course {
  const space = spaceFrom(json, kind, where);
  const configurations = strategy === 'grid' ? grid(space) : random(space, count, seed);
  const common = { configurations, varied: variedIn(space), names: [...space.keys()] };
  if (strategy !== 'halving') return { ...common, rounds: [{ count: configurations.length }] };
  return { ...common, rounds: halvingRounds(configurations.length, stepsIn(space, kind, where), eta) };
}

/** Of the last round of halving. */
function stepsIn(space: Space, kind: Kind, where: string): number {
  const said = space.has('steps') ? constantIn(space, 'steps') : (kind.initial as unknown as Settings).steps;
  if (space.has('steps') && said === undefined)
    throw new OptionError(
      `${where}: steps: --strategy halving shares them out: give one number, that of the last round`,
    );
  if (typeof said !== 'number')
    throw new OptionError(`${where}: --strategy halving needs "steps", a number, those of the last round`);
  return said;
}

export async function writePlan(folder: string, plan: Plan): Promise<void> {
  const text = JSON.stringify({ format: FORMAT, version: VERSION, ...plan }, null, 2);
  await writeInFolder(folder, PLAN, `${text}\n`);
}

/** The plan of a folder, undefined where there is none. Throws DataError where it is damaged. */
export async function readPlan(folder: string): Promise<Plan | undefined> {
  const path = join(folder, PLAN);
  let json: unknown;
  try {
    json = parseJson(new TextDecoder().decode(await readRegular(path, MOST.json)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DataError(`cannot read ${JSON.stringify(path)}: ${reason(error)}`);
  }
  if (!isObject(json) || json.format !== FORMAT)
    throw new DataError(`${JSON.stringify(path)} was not written by 2headgrad sweep: choose another --out`);
  if (json.version !== VERSION)
    throw new DataError(
      `${JSON.stringify(path)}: version ${quoted(json.version)} is not ${VERSION}, which this program reads`,
    );
  const { strategy, count, eta, seed, judge, space, data, identity } = json;
  const isText = (x: unknown) => typeof x === 'string';
  const isCount = (x: unknown, least: number) => Number.isSafeInteger(x) && Number(x) >= least;
  const fits =
    STRATEGIES.includes(strategy as Strategy) &&
    isCount(count, 1) &&
    isCount(eta, 2) &&
    isCount(seed, 0) &&
    isObject(judge) &&
    isText(judge.metric) &&
    typeof judge.highest === 'boolean' &&
    isObject(space) &&
    (data === null || isText(data)) &&
    isObject(identity) &&
    [identity.kind, identity.data, identity.version].every(isText) &&
    (identity.model === null || isText(identity.model));
  if (!fits) throw new DataError(`${JSON.stringify(path)} does not say what the sweep is: it is damaged`);
  return { strategy, count, eta, seed, judge, space, data, identity } as unknown as Plan;
}

/** Throws DataError where a sweep would go on as another one. */
export function checkSamePlan(folder: string, before: Plan, now: Plan): void {
  const differs = identityDifference(before.identity, now.identity) ?? planDifference(before, now);
  if (differs)
    throw new DataError(
      `the sweep in ${folder} cannot be gone on with: ${differs}; change it back, or give another --out`,
    );
}

function planDifference(before: Plan, now: Plan): string | null {
  for (const name of ['strategy', 'count', 'eta', 'seed'] as const)
    if (before[name] !== now[name]) return `its ${name} was ${before[name]} and is ${now[name]}`;
  if (JSON.stringify(before.judge) !== JSON.stringify(now.judge))
    return `it was judged by ${before.judge.metric} and is by ${now.judge.metric}`;
  return JSON.stringify(before.space) === JSON.stringify(now.space) ? null : 'its space was another one';
}
