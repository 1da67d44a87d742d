import { expect, test } from 'vitest';
import type { Node } from '../../src/graph/graph.js';
import type { Storage } from '../../src/kernels/kernel.js';
import type { Traffic } from '../../src/schedule/liveness.js';
import { piecesEarly } from '../../src/schedule/pieces.js';

/** Kernels by where each stores what it makes: in the arena, as a part of an output, or what is left of that output. */
function early(places: readonly ('arena' | 'part' | 'rest')[], waits: readonly (readonly number[])[]) {
  const whole = { name: 'whole' } as unknown as Node;
  const storage = new Map<Node, Storage>([[whole, { kind: 'output', name: 'sums' } as Storage]]);
  const traffic = places.map((place, i) => {
    const node = place === 'rest' ? whole : ({ name: `${i}` } as unknown as Node);
    if (place === 'part') storage.set(node, { kind: 'part', region: { whole } } as unknown as Storage);
    if (place === 'arena') storage.set(node, { kind: 'arena' } as Storage);
    return { kernel: { stores: [node] } } as unknown as Traffic;
  });
  const order = places.map((_, i) => i);
  return piecesEarly(
    order,
    traffic,
    waits.map((list) => new Set(list)),
    storage,
  );
}

test('what makes parts of an output runs right behind what it waits for, in the order in which it came', () => {
  // 0 -> 1 -> 2; 3 and 4 wait for 0, 5 for 1, and what is copied for nothing.
  const order = early(
    ['arena', 'arena', 'arena', 'part', 'part', 'part', 'rest'],
    [[], [0], [1], [0], [0], [1], []],
  );
  expect(order).toEqual([6, 0, 3, 4, 1, 5, 2]);
});

test('a part that others read stays where it is, and so does one that waits for another', () => {
  expect(early(['arena', 'arena', 'part', 'part'], [[], [0], [0], [2]])).toEqual([0, 1, 2, 3]);
});

test('without parts of outputs the order is as it was', () => {
  expect(early(['arena', 'arena', 'arena'], [[], [], [0]])).toEqual([0, 1, 2]);
});
