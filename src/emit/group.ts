import { unitsOfTile } from '../loops/tiles.js';
import { partsOfGroup, usefulThreads } from '../schedule/cost.js';
import type { Group } from '../schedule/kernel.js';
import { shownGroup } from '../schedule/print.js';
import type { KernelCall, Use } from './functions.js';
import { ownCall, sharedCall } from './share.js';

/** A kernel in a group: where a step runs it, the call of it, and its place among the kernels of the entry. */
export interface Member {
  readonly use: Use;
  readonly called: KernelCall;
  readonly at: number;
}

/** The function of a group, how many threads share it at most, and the call of it. */
export function groupCall(
  group: Group,
  members: readonly Member[],
  stem: string,
  options: Parameters<typeof sharedCall>[3] & { readonly threadShare: number; readonly profile: boolean },
): { readonly lines: readonly string[]; readonly threads: number; readonly call: string } {
  const units = Math.ceil(group.size / group.tile);
  const kernels = members.map(({ use }) => use.kernel);
  const to = { name: `${stem}_${kernels.length}_kernels`, units, parameters: [] };
  const threads = usefulThreads(kernels, units, options.threadShare);
  const called = { to, addresses: [] };
  const parts = partsOfGroup(kernels, units);
  const call =
    threads > 1 ? sharedCall(called, { parts, stem }, threads, options) : ownCall(called, options.imports);
  if (options.profile) options.imports.add('team', 'thread');
  const lines = [
    '',
    `/** In entry order ${shownGroup(group)}. */`,
    `function ${to.name}(begin: usize, end: usize): void {`,
    'for (let tile: usize = begin; tile < end; tile++) {',
    ...members.flatMap((member) => runOnTile(group, member, options.profile)),
    '}',
    '}',
    ...call.lines,
  ];
  return { lines, threads, call: call.text };
}

/** A member's part of a tile, which the last may have less of. */
function runOnTile({ tile }: Group, { use, called, at }: Member, profile: boolean): string[] {
  const { to, addresses } = called;
  const units = unitsOfTile(use.kernel, tile);
  const first = (index: string) => (units === 1 ? index : `${index} * ${units}`);
  const last = `min<usize>(${first(units === 1 ? 'tile + 1' : '(tile + 1)')}, ${to.units})`;
  return [
    `${to.name}(${[first('tile'), last, ...addresses].join(', ')});`,
    ...(profile ? [`if (thread == 0) mark(${at});`] : []),
  ];
}
