/**
 * What the scheduler does beyond a kernel for each value, by name. All of it is exact: leaving any of them out changes
 * speed and memory, and no bit of any result.
 */
export const SCHEDULE_PASSES = [
  /** A graph that is run many times is one loop, rather than its steps one after the other. */
  'loop',
  /** Nodes that share loops become one kernel. */
  'fuse',
  /** Values that are cheap to make again are not stored. */
  'recompute',
  /** Kernels that read the same elements become one. */
  'merge',
  /** What is only a part of a value, or the same elements in another order, is stored where that lies. */
  'strided-stores',
  /** Products read operands through index maps where else a copy would put them in rows. */
  'index-maps',
  /** Products make elements of their operands as they pack them. */
  'prologue',
  /** A result lies where what it is made from lay. */
  'take-over',
  /** Variables lie in memory as the products that read them want them. */
  'panels',
  /** Kernels run in an order that keeps the peak of memory low, rather than in that of the graph. */
  'lower-peak',
  /** Kernels that pass along the same large values run tile by tile. */
  'group',
] as const;

export type SchedulePass = (typeof SCHEDULE_PASSES)[number];

export interface ScheduleOptions {
  /** Passes to leave out; names that are none of these are somebody else's. */
  readonly without?: readonly string[];
  /** Bytes that the second-level cache is taken to keep: values of twice as many or more are passed in tiles. */
  readonly cacheBytes?: number;
  /** For tests: variables lie in panels wherever they may, whether that spares time or not. */
  readonly allPanels?: boolean;
  /** For tests: products make their operands wherever they may, whether that spares time or not. */
  readonly allPrologues?: boolean;
}
