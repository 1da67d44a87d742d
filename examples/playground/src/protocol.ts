// What the page, the sealed worker of a model and the compiler's worker say to each other.

/** What models learn from here: a list of words, a text, or written digits. */
export const KINDS = ['words', 'text', 'digits'] as const;
export type Kind = (typeof KINDS)[number];

/** What files of a model are called. */
export const FILE_NAMES: Record<Kind, string> = { words: 'names', text: 'text', digits: 'digits' };

/** Images of 28 x 28 bytes, from 0 (paper) to 255 (ink), and what each shows. The last `heldOut` are not trained on. */
export interface Digits {
  pixels: Uint8Array;
  labels: Uint8Array;
  heldOut: number;
}

/** A model to work with: its source and what it learns from. */
export interface Project {
  kind: Kind;
  source: string;
  /** Of words, one a line; of a text, all of it. */
  data: string | Digits;
  seed: number;
}

/** What somebody wants to see of a model in training. */
export interface Wish {
  /** The text to go on from, and how bold: see `choose`. */
  prompt: string;
  temperature: number;
  /** The line whose attention is looked at. */
  line: string;
  /** 28 x 28 bytes, if something is drawn. */
  drawing: Uint8Array | null;
}

/** What a model shows of itself; each kind has its own of it. */
export interface Shown {
  /** Words that it makes up. */
  samples?: string[];
  /** How the prompt goes on; or why it does not. */
  writing?: string;
  writingTrouble?: string;
  /** What each character of the line takes of which, [layers, heads, n, n] from 0 to 1; or why nobody can tell. */
  maps?: { layers: number; heads: number; characters: string[]; weights: Float32Array };
  mapsTrouble?: string;
  /** Of each class, that what is drawn is one. */
  probabilities?: Float32Array;
  /** Share of the held-out digits that it knows, and some that it does not: which, and what it says. */
  accuracy?: number;
  wrong?: { index: number; said: number }[];
  /** Share of the tanh outputs beyond 0.97. */
  saturation?: number;
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
  /** In the graph. */
  nodes: number;
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
  /** Tokens or classes, of which a guess would choose one. */
  tokens: number;
  hasTanh: boolean;
  /** Whether it can go on from a prompt, and of how long a line its attention can be looked at; 0: it cannot. */
  writes: boolean;
  looks: number;
}

export interface Progress {
  at: number;
  /** Mean over the steps since the last report. */
  loss: number;
  stepsPerSecond: number;
  /** On what is not trained on. */
  devLoss?: number;
  shown?: Shown;
}

/** How far the finder is: its short trainings for the bounds, then points of the run with the rising rate. */
export interface FinderReport {
  probes: number;
  point?: { rate: number; loss: number; at: number; steps: number };
}

export interface Comparison {
  steps: number;
  compiled: number;
  tape: number;
  /** The largest difference of a loss, relative to it. */
  difference: number;
}

/** What a model's worker gives of its compiled folder, by the name of the file, and what using it takes. */
export interface ModelFiles {
  kind: Kind;
  files: Record<string, Uint8Array | string>;
  /** Characters that it sees. */
  context: number;
  /** Of words and texts, those of all tokens. */
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
  restore(bytes: Uint8Array): { at: number; shown: Shown };
  /** What is shown from now on; if there is a model in training, what it shows at once. */
  wish(wish: Wish): Shown;
  /** The result is the same for any number of threads. */
  find(project: Project & { threads: number }): { suggestion: number; why: string };
  compare(project: Project & { rate: number }): Comparison;
  /** Runs a program, which tells line by line what it prints. */
  run(options: { source: string }): void;
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
  /** A zip of what `2headgrad compile` writes, with a script that uses it. */
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
  | { event: 'printed'; line: string }
  | { event: 'stopped'; trouble: Trouble };
