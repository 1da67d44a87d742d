/** The least of what was put in comes out first, in logarithmic time. */
export class Heap<T> {
  private readonly items: T[] = [];

  constructor(private readonly isLess: (a: T, b: T) => boolean) {}

  push(item: T): void {
    const { items, isLess } = this;
    let at = items.push(item) - 1;
    for (let above = (at - 1) >> 1; at > 0 && isLess(item, items[above]); above = (at - 1) >> 1) {
      items[at] = items[above];
      at = above;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const { items, isLess } = this;
    const least = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return least;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && isLess(items[child + 1], items[child])) child++;
      if (!isLess(items[child], last)) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
    return least;
  }
}
