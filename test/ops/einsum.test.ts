import { describe, expect, it } from 'vitest';
import { einsum, tensor } from '../../src/index.js';
import { f32 } from '../../src/train/step.js';
import { type Composed, testComposed } from './composed.js';

type Shapes = [equation: string, ...shapes: number[][]];

/** By the definition: all letters at once. */
function composed([equation, ...shapes]: Shapes): Composed {
  const [left, explicit] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  const letters = [...new Set(terms.join(''))];
  const once = letters.filter((l) => terms.join('').split(l).length === 2);
  const result = [...(explicit ?? once.sort().join(''))];
  const size = (letter: string) => {
    const term = terms.findIndex((t) => t.includes(letter));
    return shapes[term][terms[term].indexOf(letter)];
  };
  const summed = letters.filter((letter) => !result.includes(letter));
  const name = (i: number) => `x${i}`;
  return {
    name: equation,
    inputs: Object.fromEntries(shapes.map((shape, i) => [name(i), f32(...shape)])),
    f: (inputs) => einsum(equation, ...Object.values(inputs)),
    shape: result.map(size),
    want(at, read) {
      const places: Record<string, number>[] = summed.reduce(
        (all, letter) =>
          all.flatMap((place) => Array.from({ length: size(letter) }, (_, i) => ({ ...place, [letter]: i }))),
        [Object.fromEntries(result.map((letter, i) => [letter, at[i]]))],
      );
      const term = (place: Record<string, number>) =>
        terms.reduce((p, t, i) => p * read(name(i), ...[...t].map((letter) => place[letter])), 1);
      return places.reduce((sum, place) => sum + term(place), 0);
    },
  };
}

describe('einsum', () => {
  const cases: Shapes[] = [
    ['ij,jk->ik', [3, 4], [4, 5]],
    ['ij,kj->ki', [3, 4], [5, 4]],
    ['bqd,bkd->bqk', [2, 3, 4], [2, 5, 4]],
    ['bhqk,bkhd->bqhd', [2, 2, 3, 4], [2, 4, 2, 5]],
    ['i,j->ij', [3], [4]],
    ['i,i', [5], [5]],
    ['ij->ji', [3, 4]],
    ['ijk->j', [2, 3, 4]],
    ['ij, j', [3, 4], [4]],
    ['bij,bjk,kl->bil', [2, 3, 4], [2, 4, 5], [5, 2]],
    ['ab,c->cb', [3, 4], [2]],
    ['aB,Bc->ac', [2, 3], [3, 2]],
    [',i->i', [], [4]],
    ['i,i,i->i', [4], [4], [4]],
  ];
  testComposed(cases.map(composed));

  it('says what is wrong with an equation', () => {
    const [a, b] = [
      tensor([
        [1, 2],
        [3, 4],
      ]),
      tensor([1, 2, 3]),
    ];
    expect(() => einsum('ij,jk->ik', a)).toThrow('einsum: ij,jk->ik names 2 tensors, got 1');
    expect(() => einsum('ii->i', a)).toThrow('einsum: ii->i: i stands twice in ii');
    expect(() => einsum('i...->i', a)).toThrow('expected letters and commas');
    expect(() => einsum('ij->ik', a)).toThrow('no tensor has k');
    expect(() => einsum('ij,j->i', a, b)).toThrow('j is 2 in one tensor and 3 in another');
    expect(() => einsum('i->i', a)).toThrow('i names 1 axes, and the tensor is [2, 2]');
    expect(() => einsum(a as never)).toThrow('expected an equation');
  });
});
