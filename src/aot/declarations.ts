import type { Manifest } from '../artifact/manifest.js';
import { gradientsIn, LEARNING_RATE, METHODS } from '../train/description.js';

type Place = { readonly name: string; readonly shape: readonly number[]; readonly dtype: string };

/** `model.d.ts`: what model.js exports, for this model and no other. It imports nothing. */
export function declarations(manifest: Manifest): string {
  const { name, variables, entries, metrics } = manifest;
  const { train, evaluate, calibrate, predict, gradients, update } = entries;
  const flows = gradients ? gradients.outputs : update?.inputs;
  const names = (role: string) => variables.filter((v) => v.role === role);
  const batch = (train ?? evaluate ?? calibrate ?? gradients)?.inputs.filter(
    (input) => input.name !== LEARNING_RATE,
  );
  const blocks = [
    `// Types of the compiled model ${oneLine(name)}, with the entry points ${oneLine(Object.keys(entries).join(', '))}.`,
    union('ParameterName', 'What is trained.', names('parameter')),
    union(
      'StateName',
      'What changes besides: running statistics and what the optimizer keeps.',
      names('state'),
    ),
    'export type VariableName = ParameterName | StateName;',
    WHOLE,
    batch && record('Rows', 'A batch, or a whole dataset: whole rows, one after the other.', batch),
    predict && record('Inputs', 'What `predict` takes.', predict.inputs),
    flows && record('Gradients', 'The gradient of each parameter, row-major.', flowsOf(flows)),
    evaluate && evaluation(metrics),
    train && training(evaluate !== undefined, goalsText(evaluate && metrics)),
    session(manifest),
    startOptions(manifest),
    REST,
  ];
  return `${blocks.filter(Boolean).join('\n\n')}\n`;
}

function union(type: string, what: string, variables: readonly Place[]): string {
  const members = variables.map((v) => `\n  /** ${typeText(v)} */\n  | ${JSON.stringify(v.name)}`);
  return `/** ${what} */\nexport type ${type} =${members.length ? members.join('') : ' never'};`;
}

/** The gradients among the inputs or outputs of an entry, by their parameters. */
function flowsOf(places: readonly Place[]): Place[] {
  return Object.entries(gradientsIn(Object.fromEntries(places.map((p) => [p.name, p])))).map(
    ([name, place]) => ({ ...place, name }),
  );
}

function record(
  type: string,
  what: string,
  places: readonly (Place & { bound?: { size: number } })[],
): string {
  const fields = places.map((place) => {
    const bound = place.bound ? `, each from 0 to ${place.bound.size - 1}` : '';
    return `  /** ${typeText(place)}${bound} */\n  ${key(place.name)}: ${elementsText(place)};`;
  });
  return `/** ${what} */\nexport interface ${type} {\n${fields.join('\n')}\n}`;
}

function evaluation(metrics: Manifest['metrics'] = {}): string {
  const fields = Object.entries(metrics).map(
    ([name, { by, one }]) =>
      `  /** ${by === 'mean' ? 'The mean over rows' : 'The sum over batches'}${one ? '' : ', row-major'}. */\n  ${key(name)}: ${one ? 'number' : 'Float64Array'};`,
  );
  const all = ['  /** The mean over rows. */\n  loss: number;', ...fields];
  return `/** The loss and the metrics of rows. */\nexport interface Evaluation {\n${all.join('\n')}\n}`;
}

const training = (
  evaluates: boolean,
  goals: string,
) => `/** A rate for all steps, or one for each: \`step\` counts from 0. */
export type LearningRate = number | ((step: number) => number);

export interface RunOptions {
  /** How many steps to take now. */
  steps: number;
  lr: LearningRate;
  /** Report after this many steps; by default about a hundred times in the run. */
  every?: number | undefined;${evaluates ? '\n  /** Rows on which each report has the loss and the metrics. */\n  evaluate?: Rows | undefined;' : ''}
  /** Keeps what the session was at the best report, and puts it back at the end of the run. */
  best?: { lowest: ${goals} } | { highest: ${goals} } | undefined;
  /** Ends the run after so many reports in a row none of which was better than one before, by \`best\` or by the loss. */
  patience?: number | undefined;
  /** Called with each report; what it returns is awaited. */
  onProgress?: ((progress: Progress) => unknown) | undefined;
  /** Ends the run between two calls into the engine. */
  signal?: AbortSignal | undefined;
}

export interface Progress {
  /** Steps taken since the session began, or since the beginning of the run that a checkpoint is of. */
  at: number;
  /** Loss of the last step. */
  loss: number;
  /** Loss of each step since the last report. */
  losses: number[];
  stepsPerSecond: number;${evaluates ? '\n  /** Where the run was asked to evaluate. */\n  evaluated?: Evaluation;' : ''}
  /** With \`best\` or \`patience\`: the best report so far. */
  best?: { at: number; value: number };
}`;

function session({ name, entries, metrics, variables }: Manifest): string {
  const { train, evaluate, calibrate, predict, gradients, update } = entries;
  const [output, ...more] = predict?.outputs ?? [];
  const isAlone = output?.name === 'output' && more.length === 0;
  const members = [
    "  /** What the model holds, for tools that take sessions: `loadWeights`, `saveWeights`. */\n  readonly program: {\n    readonly variables: readonly { readonly name: string; readonly role: 'parameter' | 'state'; readonly shape: readonly number[]; readonly dtype: 'f32' | 'i32' | 'bool' }[];\n  };",
    '  /** Steps taken so far. */\n  at: number;',
    '  readonly seed: number;',
    '  /** How many threads it runs on: one where more cannot be had. */\n  readonly threads: number;',
    '  /** Why they are fewer than were asked for, or more than can run at a time, if so. */\n  readonly threadNote: string | null;',
    '  /** The file that it runs. */\n  readonly file: string;',
    '  /** Whether it uses fused multiply-add, so that its bits differ between machines. */\n  readonly relaxed: boolean;',
    '  /** Number of trained elements. */\n  readonly parameterCount: number;',
    train &&
      "  /** Sets the dataset, of which a run draws rows or takes them in the order given. It is copied. */\n  data(rows: Rows, options?: { order?: 'drawn' | 'given' }): void;",
    train &&
      '  /** Many steps on drawn batches: iterate over it, or await the last report. Throws DivergedError, the parameters put back, when a loss is not finite. */\n  run(options: RunOptions): AsyncGenerator<Progress, void, void> & Promise<Progress | undefined>;',
    train &&
      '  /** One step, on `batch` if given, else on rows drawn from the dataset. Returns the loss. */\n  step(options: { lr: number; batch?: Rows | undefined }): number;',
    gradients &&
      `  /** The loss and the gradients of a batch, given${train ? ' or drawn' : ''}; parameters stay as they are. */\n  backward(batch${train ? '?' : ''}: Rows): { loss: number; gradients: { [K in keyof Gradients]: Float32Array } };`,
    update &&
      '  /** One step of the optimizer with these gradients. */\n  update(gradients: Gradients, options: { lr: number }): void;',
    evaluate &&
      `  /** Mean loss over rows, however many, with the model in use mode${metrics ? ', and its metrics' : ''}. */\n  evaluate(rows: Rows): ${metrics ? 'Evaluation' : 'number'};`,
    calibrate &&
      '  /** Sets the running statistics of every batch norm to the exact ones over these rows. */\n  calibrate(rows: Rows): void;',
    predict &&
      `  /** ${isAlone ? typeText(output) : placesText(predict.outputs)}, row-major. */\n  predict(inputs: Inputs): ${isAlone ? arrayText(output) : madeText(predict.outputs)};`,
    ...uses(entries),
    "  names(role?: 'parameter' | 'state'): VariableName[];",
    reading(variables),
    '  write(name: VariableName, values: ArrayLike<number>): void;',
    '  /** Everything that a run needs to go on, as a safetensors file. */\n  checkpoint(): Uint8Array;',
    '  /** Goes on from a checkpoint; nothing changes if it does not fit. */\n  restore(bytes: Uint8Array): void;',
    '  /** Writes a checkpoint, where there are files. */\n  save(path: string): Promise<void>;',
    '  load(path: string): Promise<void>;',
    '  /** Ends its threads. */\n  close(): Promise<void>;',
  ];
  return `/** ${oneLine(name)}, running. */\nexport interface Session {\n${members.filter(Boolean).join('\n')}\n}`;
}

/** Overloads of `invoke`, one for each entry that has no method of its own. */
function uses(entries: Manifest['entries']): string[] {
  return Object.entries(entries)
    .filter(([name]) => !METHODS.has(name))
    .map(([name, { inputs, outputs }]) => {
      const taken = inputs.map((input) => `${key(input.name)}: ${elementsText(input)}`);
      const about = `From ${placesText(inputs)}: ${placesText(outputs)}; row-major.`;
      return `  /** ${about} */\n  invoke(entry: ${JSON.stringify(name)}, inputs: { ${taken.join('; ')} }): ${madeText(outputs)};`;
    });
}

function startOptions({ modules }: Manifest): string {
  const threads = modules.some((m) => m.threads)
    ? '  /** Threads that share a step; the result is the same for any number. */\n  threads?: number;'
    : '  /** This model was compiled for one thread. */\n  threads?: 1;';
  const files = modules.map(
    ({ file }) => `    ${JSON.stringify(file)}?: Given<Source | WebAssembly.Module>;`,
  );
  return `/** Bytes, or what holds them: an address as text is a URL, or in Node the path of a file. */
export type Source = Uint8Array | ArrayBuffer | Blob | Response | URL | string;

/** Or the promise of it, such as what \`fetch\` returns. */
export type Given<T> = T | PromiseLike<T>;

/** What lies beside model.js is loaded from there unless it is given. */
export interface StartOptions {
  /** Of the initial values and of the batches drawn. */
  seed?: number | undefined;
${threads}
  /** \`shipped\` weights, if there are any, \`fresh\` ones made from the seed, or those of a safetensors file. */
  weights?: 'shipped' | 'fresh' | Given<Exclude<Source, string>> | undefined;
  /** \`false\`: the same bits on every machine, though steps take longer where this model has a faster module. */
  relaxed?: boolean | undefined;
  /** What model.json holds: its value, its text, or where it is. */
  manifest?: Given<object | Source> | undefined;
  /** The module: compiled, its bytes, or where they are; or several by the names of their files. */
  wasm?: Given<Source | WebAssembly.Module> | {
${files.join('\n')}
  };
  /** The address of model.js as a file of its own, from which threads are started. */
  worker?: string | URL | undefined;
}`;
}

const REST = `/** Starts the model; several sessions may run. */
export function start(options?: StartOptions): Promise<Session>;

/** How many threads a session can use here; if it is one, why, and how to get more. */
export function threadSupport(): { readonly most: number; readonly reason: string | null };`;

/** What may be given for a column. */
const elementsText = ({ dtype }: Place) => (dtype === 'i32' ? 'Whole' : 'ArrayLike<number>');

const WHOLE = `/** Whole numbers; of an array of any numbers that is seen only as they are given. */
export type Whole = readonly number[] | Int32Array | Int16Array | Int8Array | Uint32Array | Uint16Array | Uint8Array | Uint8ClampedArray;`;

const arrayText = ({ dtype }: Pick<Place, 'dtype'>) => (dtype === 'f32' ? 'Float32Array' : 'Int32Array');

/** Outputs by name. */
const madeText = (outputs: readonly Place[]) =>
  `{ ${outputs.map((o) => `${key(o.name)}: ${arrayText(o)}`).join('; ')} }`;

/** Names and types, inside of a comment. */
const placesText = (list: readonly Place[]) =>
  oneLine(list.map((p) => `${p.name} ${typeText(p)}`).join(', '));

/** What a run can be best by. */
function goalsText(metrics: Manifest['metrics'] = {}): string {
  const numbers = Object.keys(metrics).filter((name) => metrics[name].one);
  return ['loss', ...numbers].map((name) => JSON.stringify(name)).join(' | ');
}

/** `read`, which knows what a variable holds. */
function reading(variables: readonly Place[]): string {
  const about =
    '  /** The elements of a variable: a view of the memory, or a copy where they lie in another order there. */\n';
  const whole = variables.filter(({ dtype }) => dtype !== 'f32').map(({ name }) => JSON.stringify(name));
  if (whole.length === 0) return `${about}  read(name: VariableName): Float32Array;`;
  const names = whole.join(' | ');
  return [
    `${about}  read(name: ${names}): Int32Array;`,
    `  read(name: Exclude<VariableName, ${names}>): Float32Array;`,
    '  read(name: VariableName): Float32Array | Int32Array;',
  ].join('\n');
}

/** A shape as a tuple: \`i32[32, 3]\`. */
function typeText({ dtype, shape }: Place): string {
  return `${dtype}[${shape.join(', ')}]`;
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** Text inside of a comment. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('*/', '* /');
}
