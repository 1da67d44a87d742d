import { expand, isLoop } from '../graph/expand.js';
import { constantValue, type Graph, inputAttrs, isInput, type Node, roots } from '../graph/graph.js';
import type { Access, CopyKernel, Kernel, Schedule, Storage } from '../kernels/kernel.js';
import type { Region } from '../kernels/regions.js';
import { storedMembers } from '../kernels/stages.js';
import { tilingOf } from '../kernels/tiling.js';
import { identityStrides, viewOf } from '../kernels/view.js';
import { numel } from '../shape.js';
import { bodyOf, loadsOf } from './bodies.js';
import type { Cluster } from './cluster.js';
import { type Fused, type Fusion, fuse } from './fuse.js';
import { type Answers, overwriteQuery } from './in-place.js';
import { mapOperands } from './index-maps.js';
import { emptyList, known } from './known.js';
import { legalize } from './legalize.js';
import { merge } from './merge.js';
import { kernelName } from './name.js';
import { orderKernels } from './order.js';
import { layInPanels, type Placed } from './panels.js';
import type { ScheduleOptions, SchedulePass } from './passes.js';
import { Precedence } from './precedence.js';
import { makeOperands } from './prologues.js';
import { recompute } from './recompute.js';
import { loopsOfScans } from './scans.js';
import { type Draft, storeParts } from './strided-stores.js';
import { dropUnitReductions } from './unit-reductions.js';

/**
 * Turns an optimized graph into kernels in running order, and says where each stored value lies; it shares its variables
 * with no other.
 * @param tell called as each part of the work begins
 */
export function schedule(
  optimized: Graph,
  options: ScheduleOptions = {},
  tell: (part: string) => void = () => {},
): Schedule {
  return scheduleAll({ only: optimized }, options, tell).only;
}

/** The same for the entries of a program, which share their variables. */
export function scheduleAll(
  graphs: Readonly<Record<string, Graph>>,
  options: ScheduleOptions = {},
  tell: (part: string) => void = () => {},
): Record<string, Schedule> {
  return schedulesOf(fuseAll(graphs, options, tell), options, tell);
}

/** Entries with their nodes in clusters, of which `schedulesOf` makes kernels. */
export function fuseAll(
  graphs: Readonly<Record<string, Graph>>,
  options: ScheduleOptions = {},
  tell: (part: string) => void = () => {},
): Record<string, Fused> {
  const runs = runsIn(options);
  return each(graphs, (graph) => fused(graph, runs, tell));
}

/** Kernels of clusters, in running order. */
export function schedulesOf(
  entries: Readonly<Record<string, Fused>>,
  options: ScheduleOptions = {},
  tell: (part: string) => void = () => {},
): Record<string, Schedule> {
  const { without = [], cacheBytes, allPanels, allPrologues } = options;
  const runs = runsIn(options);
  // Kernels of a group know where their values lie, which in a loop are elsewhere in each step.
  const scheduled = (step: Graph) => schedule(step, { ...options, without: [...without, 'group', 'panels'] });
  tell('kernels');
  const made = each(entries, (entry) => kernelsOf(entry, { runs, allPrologues }, scheduled));
  tell('panels');
  const placed = runs('panels') ? layInPanels(made, allPanels) : made;
  tell('order');
  return each(placed, ({ kernels, storage, most, ...rest }) => ({
    ...orderKernels(kernels, storage, runs, { cacheBytes, most }),
    ...rest,
    storage,
  }));
}

const runsIn =
  ({ without = [] }: ScheduleOptions) =>
  (pass: SchedulePass) =>
    !without.includes(pass);

const each = <A, B>(record: Readonly<Record<string, A>>, f: (value: A) => B) =>
  Object.fromEntries(Object.entries(record).map(([entry, value]) => [entry, f(value)]));

/** What a schedule consists of before its kernels are in order. */
type Unordered = Placed & Pick<Schedule, 'name' | 'unfused' | 'remade'> & Pick<Fused, 'most'>;

function fused(optimized: Graph, runs: (pass: SchedulePass) => boolean, tell: (part: string) => void): Fused {
  tell('legalize');
  const plain = runs('loop') ? loopsOfScans(expand(optimized, (node) => !isLoop(node))) : expand(optimized);
  const graph = legalize(dropUnitReductions(plain));
  tell('fuse');
  const together = fuse(graph, runs('fuse'));
  tell('recompute');
  const again = runs('recompute') ? recompute(graph, together) : together;
  tell('merge');
  return { graph, fusion: runs('merge') ? merge(again) : again };
}

/** What to do beyond a kernel for each value. */
interface Choice extends Pick<ScheduleOptions, 'allPrologues'> {
  runs(pass: SchedulePass): boolean;
}

function kernelsOf(
  { graph, fusion, most, remade }: Fused,
  choice: Choice,
  scheduled: (step: Graph) => Schedule,
): Unordered {
  const { runs } = choice;
  const storage = new Map<Node, Storage>();
  for (const node of graph.nodes) {
    if (isInput(node)) {
      const { name, role } = inputAttrs(node);
      storage.set(node, role === 'input' ? { kind: 'input', name } : { kind: 'variable', name });
    } else if (node.op.lower.kind === 'leaf' && constantValue(node) === undefined) {
      storage.set(node, { kind: 'constant' });
    }
  }
  const final = new Set(roots(graph).map((root) => viewOf(root).source));
  const found = draftsOf(fusion, final, scheduled);
  // What nobody makes here could not be written where a product would have it; and who overwrites a variable has to know of
  // all that read it.
  const isMade = (node: Node) => fusion.home.has(node);
  const keep = (node: Node) => final.has(node) || storage.has(node);
  // A product that reads a variable to make an operand cannot write its new value there.
  const updates = new Map(graph.updates.map(({ variable, value }) => [variable, viewOf(value).source]));
  const mayRead = (source: Node, products: readonly Draft[]) =>
    !products.some(({ stores }) => stores.some((node) => node === updates.get(source)));
  const drafts = byCluster(found, (list) => {
    const mapped = runs('index-maps') ? mapOperands(list, (node) => !isMade(node), keep) : list;
    return withOperands(mapped, choice, mayRead, keep);
  });
  const mayReplace = runs('take-over') ? overwriteRule(graph, fusion, drafts) : () => false;
  const copies = settle(graph, mayReplace, fusion, storage).map(
    (body): Draft => ({ body, stores: [body.node], loads: body.parts.map((p) => p.read.source) }),
  );
  const kernels = inPlaces([...drafts.values(), ...copies], storage, choice, isMade);
  const unfused = fusion.refusals.filter(({ from, to }) => fusion.home.get(from) !== fusion.home.get(to));
  return { name: graph.name, kernels, storage, unfused, most, ...(remade && { remade }) };
}

/** What each cluster computes, reads and stores. */
function draftsOf(
  fusion: Fusion,
  final: ReadonlySet<Node>,
  scheduled: (step: Graph) => Schedule,
): Map<Cluster, Draft> {
  const loads = new Map(fusion.clusters.map((cluster) => [cluster, loadsOf(cluster, fusion)]));
  const read = new Set([...loads.values()].flat());
  return new Map(
    fusion.clusters.map((cluster): [Cluster, Draft] => {
      const kernel = bodyOf(cluster, scheduled);
      const stores =
        kernel.kind === 'gemm' || kernel.kind === 'nest'
          ? storedMembers(
              kernel,
              (node) => fusion.home.get(node) === cluster,
              (node) => read.has(node) || final.has(node),
            )
          : kernel.kind === 'loop'
            ? [...kernel.results, kernel.work]
            : [kernel.node];
      return [cluster, { body: kernel, stores, loads: loads.get(cluster)! }];
    }),
  );
}

/** The same after passes over all drafts, which may leave nothing of some. */
function byCluster(
  drafts: ReadonlyMap<Cluster, Draft>,
  change: (drafts: readonly Draft[]) => readonly (Draft | null)[],
): Map<Cluster, Draft> {
  const changed = change([...drafts.values()]);
  return new Map(
    [...drafts.keys()].flatMap((cluster, i): [Cluster, Draft][] => {
      const draft = changed[i];
      return draft ? [[cluster, draft]] : [];
    }),
  );
}

/** The same with products that make operands, in the places of the drafts; `may` as in `makeOperands`. */
function withOperands(
  drafts: readonly (Draft | null)[],
  { runs, allPrologues }: Choice,
  may: (source: Node, products: readonly Draft[]) => boolean,
  keep: (node: Node) => boolean,
): (Draft | null)[] {
  if (!runs('prologue')) return [...drafts];
  const made = makeOperands(
    drafts.filter((draft) => draft !== null),
    { may, keep, always: allPrologues },
  ).values();
  return drafts.map((draft) => draft && made.next().value!);
}

/** The kernels with their names, once everything that they write has its place. */
function inPlaces(
  drafts: readonly Draft[],
  storage: Map<Node, Storage>,
  choice: Choice,
  isMade: (node: Node) => boolean,
): Kernel[] {
  const { runs } = choice;
  const placed = runs('strided-stores')
    ? storeParts(drafts, storage, runs('index-maps'))
    : { drafts, regions: new Map<Node, Region>() };
  for (const [node, region] of placed.regions) {
    storage.set(node, { kind: 'part', region });
    if (!storage.has(region.whole)) storage.set(region.whole, { kind: 'arena' });
  }
  const wholes = new Set([...placed.regions.values()].map(({ whole }) => whole));
  const keep = (node: Node) => storage.has(node) || wholes.has(node);
  const mapped = runs('index-maps') ? mapOperands(placed.drafts, isMade, keep) : placed.drafts;
  const updated = new Set(
    placed.drafts.flatMap(({ stores }) => stores.flatMap((node) => nameIn(storage, node))),
  );
  const isUpdated = (node: Node) => nameIn(storage, node).some((name) => updated.has(name));
  const made = withOperands(mapped, choice, (node) => !isUpdated(node), keep);
  const left = made.filter((draft) => draft !== null);
  const writers = left.flatMap(({ stores }) => stores);
  if (new Set(writers).size < writers.length) throw new Error('two kernels write the same value');
  for (const node of writers) if (!storage.has(node)) storage.set(node, { kind: 'arena' });
  return left.map(kernelOf);
}

function kernelOf({ body, stores, loads }: Draft): Kernel {
  const kernel = body.kind === 'gemm' ? { ...body, tiling: tilingOf(body) } : body;
  return { ...kernel, name: kernelName(kernel), stores, loads };
}

/** The variable in whose place a value lies, if there is one. */
function nameIn(storage: ReadonlyMap<Node, Storage>, node: Node): string[] {
  const at = storage.get(node);
  return at?.kind === 'variable' ? [at.name] : [];
}

/**
 * Gives outputs and updated variables the memory of the value itself where nothing else claims it; otherwise
 * a copy at the end of the step brings the value to its place. Returns the copies.
 */
function settle(
  graph: Graph,
  mayReplace: (cluster: Cluster, value: Node, variable: Node) => boolean,
  fusion: Fusion,
  storage: Map<Node, Storage>,
): CopyKernel[] {
  const copies: CopyKernel[] = [];
  const targets = [
    ...graph.updates.map((u) => ({
      value: u.value,
      variable: u.variable as Node | null,
      to: storage.get(u.variable)!,
    })),
    ...graph.outputs.map((o) => ({
      value: o.node,
      variable: null,
      to: { kind: 'output', name: o.name } as Storage,
    })),
  ];
  for (const { value, variable, to } of targets) {
    const { source, strides, offset } = viewOf(value);
    const whole = numel(source.shape) === numel(value.shape) && offset === 0;
    const plain =
      whole && strides.every((s, i) => value.shape[i] === 1 || s === identityStrides(value.shape)[i]);
    const at = fusion.home.get(source);
    if (plain && at && !storage.has(source) && (variable === null || mayReplace(at, source, variable))) {
      storage.set(source, to);
      continue;
    }
    let read: Access = { source, offset, strides };
    const copyTo = (place: Storage) => {
      const node: Node = { ...value, inputs: [value], where: '' };
      storage.set(node, place);
      copies.push({
        kind: 'copy',
        node,
        fills: [],
        parts: [{ read, shape: value.shape, starts: value.shape.map(() => 0) }],
      });
      read = { source: node, offset: 0, strides: identityStrides(value.shape) };
    };
    // Another variable's old value may be overwritten before it is copied: keep it aside.
    if (variable && isInput(source) && inputAttrs(source).role !== 'input') copyTo({ kind: 'arena' });
    copyTo(to);
  }
  return copies;
}

/**
 * A kernel may write a variable's new value over the old one if every other reader of the old value can run
 * before it, and if it reads the old value in place.
 */
function overwriteRule(
  graph: Graph,
  fusion: Fusion,
  drafts: ReadonlyMap<Cluster, Draft>,
): (cluster: Cluster, value: Node, variable: Node) => boolean {
  const updated = new Set(graph.updates.map(({ value }) => viewOf(value).source));
  const readers = new Map<Node, Cluster[]>();
  const before = new Map<Cluster, Cluster[]>();
  for (const [cluster, { loads }] of drafts) {
    before.set(
      cluster,
      loads.flatMap((node) => fusion.home.get(node) ?? []),
    );
    for (const node of loads) known(readers, node, emptyList<Cluster>).push(cluster);
  }
  const order = new Precedence(before);
  const places = {
    isVariable: (node: Node) => updated.has(node),
    regionOf: () => undefined,
    panelsOf: () => undefined,
  };
  const answers: Answers = new Map();
  const mayOverwrite = (kernel: Kernel, value: Node, old: Node) =>
    kernel.kind !== 'loop' && overwriteQuery(kernel, places, answers)(value, old);
  return (cluster, value, variable) => {
    const draft = drafts.get(cluster)!;
    if (draft.loads.includes(variable) && !mayOverwrite(kernelOf(draft), value, variable)) return false;
    const others = (readers.get(variable) ?? []).filter((reader) => reader !== cluster);
    if (order.reaches(others, cluster)) return false;
    for (const reader of others) order.link(cluster, reader);
    return true;
  };
}
