/** For each kernel, by number, those that must run before it. */
export type Waits = readonly ReadonlySet<number>[];

/** For each kernel the numbers of others. */
export type Links = readonly (readonly number[])[];

/** For each kernel those that wait for it, the first first. */
export function followersOf(waits: Waits): Links {
  const followers = waits.map((): number[] => []);
  waits.forEach((before, i) => {
    for (const w of before) followers[w].push(i);
  });
  return followers;
}

/** A set of kernels that is often made anew. */
export class Marks {
  /** In the order in which they were found. */
  readonly list: number[] = [];
  private readonly marks: Uint8Array;

  constructor(kernels: number) {
    this.marks = new Uint8Array(kernels);
  }

  has(kernel: number): boolean {
    return this.marks[kernel] === 1;
  }

  hasAny(kernels: readonly number[]): boolean {
    for (const kernel of kernels) if (this.has(kernel)) return true;
    return false;
  }

  /** These from now on, and what the links lead to from them at places above `low` and below `high`. */
  reach(from: readonly number[], links: Links, places: readonly number[], low: number, high: number): void {
    for (const kernel of this.list) this.marks[kernel] = 0;
    this.list.length = 0;
    for (const kernel of from) this.add(kernel);
    for (const kernel of this.list)
      for (const next of links[kernel]) if (places[next] > low && places[next] < high) this.add(next);
  }

  private add(kernel: number): void {
    if (this.marks[kernel] === 1) return;
    this.marks[kernel] = 1;
    this.list.push(kernel);
  }
}
