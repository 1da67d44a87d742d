// What the page, the sealed worker of a model and the compiler's worker say to each other.

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
  /** Of graph, schedule, memory plan, AssemblyScript and wasm together, without the loading of the compiler. */
  milliseconds: number;
  cached: boolean;
  parameters: number;
  entries: Record<string, EntryViews>;
  memory: string;
  assemblyScript: string;
  /** Size of the compiler as it was loaded, and how long that took, where it was needed. */
  compilerBytes: number | null;
  loadMilliseconds: number;
}

/** Threads that a model shall have; `auto` leaves it to what a step costs. */
export type Threads = number | 'auto';

export interface Started {
  threads: number;
  /** Why there is only one, if no more can be had. */
  reason: string | null;
  most: number;
  /** How many `auto` gives this model, and why. */
  auto: { threads: number; why: string };
  tokens: number;
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

/** What a model's worker gives of its compiled folder, by the name of the file, and what drawing words takes. */
export interface ModelFiles {
  files: Record<string, Uint8Array | string>;
  context: number;
  /** Of each index from 1. */
  characters: string[];
}

/** Calls into a model's worker: what goes in and what comes back. */
export interface ModelCalls {
  /** How many threads a model can have here, and why not more. */
  support(): { most: number; reason: string | null };
  compile(project: Project): Compiled;
  /** A new session of the compiled model, in place of the one before. */
  start(options: { threads: Threads }): Started;
  train(): void;
  pause(): void;
  rate(value: number): void;
  checkpoint(): Uint8Array;
  restore(bytes: Uint8Array): { at: number; samples: string[] };
  find(project: Project): { suggestion: number; why: string };
  compare(project: Project & { rate: number }): Comparison;
  /** With a checkpoint, the weights too. */
  artifact(options: { checkpoint: Uint8Array | null }): ModelFiles;
}

export interface Assembly {
  wasm: Uint8Array;
  cached: boolean;
  compilerBytes: number | null;
  loadMilliseconds: number;
}

/** Calls into the compiler's worker, which runs nobody's code but our own. What goes in is text or bytes of a model. */
export interface CompilerCalls {
  assemble(input: { source: string; shared: boolean; relaxed: boolean; level: number }): Assembly;
  draw(dot: string): string;
  /** A zip of what `2headgrad compile` writes, with a script that makes up words. */
  pack(model: ModelFiles): Uint8Array;
  sha256(bytes: Uint8Array): string;
}

/** What a model's worker may ask for: it has no other way out. */
export const SERVICES = ['assemble', 'sha256'] as const;
export type Service = (typeof SERVICES)[number];

export type Reply =
  | { id: number; value: unknown }
  | { id: number; trouble: Trouble }
  | { ask: Service; id: number; input: unknown }
  | { event: 'progress'; progress: Progress }
  | { event: 'finder'; report: FinderReport }
  | { event: 'stopped'; trouble: Trouble };
