import type { Node } from '../graph/graph.js';
import type { Place } from './program.js';

/** The places in memory that a program works on, numbered as it asks for them. */
export class Buffers {
  readonly places: Place[] = [];
  private readonly numbers = new Map<Node, Map<number, number>>();

  /** Of a node from an element on. */
  of(node: Node, element = 0): number {
    const known = this.numbers.get(node) ?? new Map<number, number>();
    this.numbers.set(node, known);
    if (!known.has(element)) known.set(element, this.places.push({ node, element }) - 1);
    return known.get(element)!;
  }
}
