import { type Group, shownGroup } from '../kernels/kernel.js';
import { unitsOfTile } from '../loops/tiles.js';
import type { KernelCall, Use } from './functions.js';
import type { Imports } from './imports.js';

/** A kernel where a step runs it, the call of it, and its place among the kernels of the entry. */
export interface Member {
  readonly use: Use;
  readonly called: KernelCall;
  readonly at: number;
}

/** Tiles of a group, which are what threads share. */
export function tilesOf({ size, tile }: Group): number {
  return Math.ceil(size / tile);
}

/** A function that runs the kernels of a group on a range of tiles, and its lines. */
export function groupFunction(
  group: Group,
  members: readonly Member[],
  stem: string,
  { profile, imports }: { readonly profile: boolean; readonly imports: Imports },
) {
  const name = `${stem}_${members.length}_kernels`;
  if (profile) imports.add('team', 'thread');
  const lines = [
    '',
    `/** In running order ${shownGroup(group)}. */`,
    `function ${name}(begin: usize, end: usize): void {`,
    'for (let tile: usize = begin; tile < end; tile++) {',
    ...members.flatMap((member) => runOnTile(group, member, profile)),
    '}',
    '}',
  ];
  return { to: { name, units: tilesOf(group), parameters: [] }, addresses: [], lines };
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
