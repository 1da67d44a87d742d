import type { Library } from '../../src/emit/asc.js';
import { type CompiledModule, compileProgram } from '../../src/emit/compile.js';
import { type Graph, inputAttrs } from '../../src/graph/graph.js';
import type { Elements } from '../../src/ops/op.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { impatient } from '../impatient.js';
import { type Bounded, evaluateBounded } from './bounds.js';
import { dataFor, type Numbers } from './data.js';
import { type Disguise, disguises, entryName } from './disguise.js';

/** How programs are compiled and run. */
export interface Settings {
  /** Optimization passes to leave out. */
  readonly without?: readonly string[];
  /** Memory without a live value is NaN. */
  readonly poison?: boolean;
  /** Of asc's optimizations; 3 is what users get. */
  readonly level?: number;
  /** Kernels written by hand, if not those of assembly/. */
  readonly library?: Library;
  /** Each of them in turn; all must give the same bits. */
  readonly threads?: readonly number[];
  /** Each program as a module of its own. */
  readonly alone?: boolean;
  /** Other ways to compile that must give the same bits too: settings in place of these. */
  readonly alike?: readonly Omit<Settings, 'alike'>[];
}

/** A graph to run, and the seed of the numbers to run it on. */
export interface Case {
  readonly graph: Graph;
  readonly data: number;
}

/** What was compared, in elements: `close` to a thousandth of their size, or only loosely, or not at all. */
export interface Tally {
  close: number;
  loose: number;
  unknown: number;
}

/** In-place updates lie only from the second step on. */
const STEPS = 3;

/**
 * Compiles the graphs as one module, since loading a compiler costs more than compiling, runs each for some
 * steps with each number of threads, and says for each what is wrong with it, or null.
 */
export async function check(
  cases: readonly Case[],
  settings: Settings,
  tally: Tally = { close: 0, loose: 0, unknown: 0 },
): Promise<(string | null)[]> {
  try {
    return await checkTogether(cases, settings, tally);
  } catch (error) {
    // It does not compile, or it has broken the memory that the others share.
    if (cases.length === 1) return [text(error)];
    const alone: (string | null)[] = [];
    for (const each of cases) alone.push(...(await check([each], settings, tally)));
    return alone;
  }
}

async function checkTogether(cases: readonly Case[], settings: Settings, tally: Tally) {
  const wrong: (string | null)[] = cases.map(() => null);
  const first: Run[] = [];
  const { alike = [], ...own } = settings;
  for (const way of [own, ...alike.map((other) => ({ ...own, ...other }))]) {
    const numbers = cases.map((_, i) => i);
    for (const together of way.alone ? numbers.map((i) => [i]) : [numbers])
      await runTogether(together, cases, way, { wrong, first, tally });
  }
  return wrong;
}

/** Runs some of the cases as one module. What is wrong with them goes into `wrong`, runs to be compared with into `first`. */
async function runTogether(
  together: readonly number[],
  cases: readonly Case[],
  way: Settings,
  { wrong, first, tally }: { wrong: (string | null)[]; first: Run[]; tally: Tally },
): Promise<void> {
  const chosen = together.map((i) => cases[i]);
  const { wasm, plan } = await compile(chosen, way);
  const names = disguises(chosen.map(({ graph }) => graph));
  for (const threads of way.threads ?? [1, 3]) {
    const engine = await CompiledEngine.start({
      ...{ wasm, layout: plan, shared: true, threads, seed: 0 },
      initial: new Map(),
      spawn: spawnWorker,
    });
    try {
      together.forEach((i, place) => {
        if (wrong[i] !== null) return;
        const run = new Run(engine, entryName(place), names[place], cases[i]);
        for (let step = 0; step < STEPS && wrong[i] === null; step++) {
          run.step(step);
          const problem = first[i] ? run.sameAs(first[i], step) : run.compare(tally);
          if (problem)
            wrong[i] = `${problem}, in step ${step + 1} with ${counted(threads, 'thread')}${described(way)}`;
        }
        first[i] ??= run;
      });
    } finally {
      await engine.close();
    }
  }
}

/** What is left out in a way to compile. */
function described({ without, alone }: Settings): string {
  return `${alone ? ', alone' : ''}${without?.length ? `, without ${without.join(' and ')}` : ''}`;
}

async function compile(cases: readonly Case[], settings: Settings): Promise<CompiledModule> {
  const entries = Object.fromEntries(
    disguises(cases.map(({ graph }) => graph)).map((names, i) => [entryName(i), names.graph(cases[i].graph)]),
  );
  const variables = Object.values(entries)
    .flatMap((graph) => graph.inputs.map(inputAttrs))
    .filter((input) => input.role !== 'input');
  const { threads: _threads, alone: _alone, alike: _alike, ...options } = settings;
  // Every kernel that can be split is split, so that barriers are put to the test; and all that can be is in groups, in panels, or made by products.
  return compileProgram(
    { name: 'programs', variables, entries },
    {
      ...options,
      library: impatient(settings.library ?? (await readLibrary())),
      threadShare: 0,
      cacheBytes: 64,
      allPanels: true,
      allPrologues: true,
    },
  );
}

/** A case on an engine, step by step. */
class Run {
  private readonly variables: string[];
  private before: Numbers = {};
  private inputs: Numbers = {};
  /** Outputs and variables after each step. */
  readonly results: Record<string, Elements>[] = [];

  constructor(
    private readonly engine: CompiledEngine,
    private readonly entry: string,
    private readonly names: Disguise,
    private readonly of: Case,
  ) {
    const initial = dataFor(of.graph, of.data, ['parameter', 'state']);
    this.variables = Object.keys(initial);
    for (const name of this.variables) engine.write(names.of(name), initial[name]);
  }

  step(step: number): void {
    const { engine, entry, names, of } = this;
    this.before = this.read();
    this.inputs = dataFor(of.graph, of.data + step, ['input']);
    const outputs = names.take(engine.invoke(entry, names.put(this.inputs)));
    this.results.push({ ...tagged('output', outputs), ...tagged('variable', this.read()) });
  }

  private read(): Numbers {
    return Object.fromEntries(
      this.variables.map((name) => [
        name,
        this.engine.read(this.names.of(name)).slice() as Float32Array | Int32Array,
      ]),
    );
  }

  /** The last step against the reference, from what the variables were before it, so that errors do not pile up. */
  compare(tally: Tally): string | null {
    const { outputs, updates } = evaluateBounded(this.of.graph, this.inputs, this.before);
    const expected = { ...tagged('output', outputs), ...tagged('variable', updates) };
    const got = this.results.at(-1)!;
    for (const name of Object.keys(got)) {
      const want = expected[name];
      const problem = want
        ? difference(got[name], want, tally)
        : unequal(got[name], this.before[name.slice('variable '.length)]);
      if (problem) return `${name}${problem}`;
    }
    return null;
  }

  /** The step bit by bit against the same step of another run. */
  sameAs(other: Run, step: number): string | null {
    for (const [name, got] of Object.entries(this.results[step])) {
      const problem = unequal(got, other.results[step][name]);
      if (problem) return `${name}${problem} : not the bits of the first run`;
    }
    return null;
  }
}

function tagged<T>(tag: string, values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${tag} ${name}`, value]));
}

function difference(got: Elements, want: Bounded, tally: Tally): string | null {
  const scale = Array.from(want.data).reduce(
    (most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most),
    0,
  );
  for (let i = 0; i < got.length; i++) {
    const [x, e] = [want.data[i], want.error[i]];
    if (e === Number.POSITIVE_INFINITY) {
      tally.unknown++;
      continue;
    }
    if (e <= 1e-3 * Math.max(Math.abs(x), scale) || !Number.isFinite(x)) tally.close++;
    else tally.loose++;
    const agrees = Number.isFinite(x) ? Math.abs(got[i] - x) <= e : Object.is(got[i], x);
    if (!agrees) return `[${i}] is ${got[i]}, not ${x} to ${e}`;
  }
  return null;
}

function unequal(got: Elements, want: Elements): string | null {
  const i = got.findIndex((x, k) => !Object.is(x, want[k]));
  return i < 0 ? null : `[${i}] is ${got[i]}, not ${want[i]}`;
}

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function text(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
