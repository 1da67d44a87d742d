// What the page and its workers say to each other.

/** A model to work with: its source and the words it learns. */
export interface Project {
  source: string;
  /** One word a line. */
  words: string;
  seed: number;
}

/** What went wrong with the user's source, and where if that is known. Lines and columns count from 1. */
export interface Trouble {
  message: string;
  line?: number;
  column?: number;
}

export interface EntryViews {
  /** Graphviz text of the optimized graph. */
  dot: string;
  schedule: string;
  kernels: number;
}

export interface Compiled {
  wasmBytes: number;
  /** Of graph, schedule, memory plan, AssemblyScript and wasm together. */
  milliseconds: number;
  cached: boolean;
  parameters: number;
  entries: Record<string, EntryViews>;
  memory: string;
  assemblyScript: string;
  /** Size of the compiler as it was loaded, where it was needed. */
  compilerBytes: number | null;
}

export interface Started {
  threads: number;
  /** Why there is only one, if so. */
  reason: string | null;
  most: number;
  batch: number;
  context: number;
  tokens: number;
  words: number;
  rows: number;
  hasTanh: boolean;
}

export interface Progress {
  at: number;
  /** Mean over the steps since the last report. */
  loss: number;
  stepsPerSecond: number;
  /** On words that are not trained on. */
  devLoss?: number;
  /** Share of the tanh outputs beyond 0.97. */
  saturation?: number;
  samples?: string[];
}

/** How far the finder is: its short trainings for the bounds, then points of the run with the rising rate. */
export interface FinderReport {
  probes: number;
  point?: { rate: number; loss: number };
}

export interface Comparison {
  steps: number;
  compiled: number;
  tape: number;
  /** The largest difference of a loss, relative to it. */
  difference: number;
}

/** Calls into a worker: what goes in and what comes back. */
export interface Calls {
  /** How many threads a model can have here, and why not more. */
  support(): { most: number; reason: string | null };
  compile(project: Project): Compiled;
  draw(dot: string): string;
  start(project: Project & { threads: number }): Started;
  train(): void;
  pause(): void;
  rate(value: number): void;
  checkpoint(): Uint8Array;
  restore(bytes: Uint8Array): { at: number; samples: string[] };
  find(project: Project): { suggestion: number; why: string };
  compare(project: Project & { rate: number }): Comparison;
  /** A zip of the compiled model; with a checkpoint, the weights too. */
  artifact(project: Project & { checkpoint: Uint8Array | null }): Uint8Array;
  close(): void;
}

export type Call = keyof Calls;

export type Reply =
  | { id: number; value: unknown }
  | { id: number; trouble: Trouble }
  | { event: 'progress'; progress: Progress }
  | { event: 'finder'; report: FinderReport }
  | { event: 'stopped'; trouble: Trouble };
