import { Alarm } from './alarm.js';
import { CompilerClient } from './compiler-client.js';
import { bytes, count, download, element, seconds } from './dom.js';
import { setText, sourceEditor } from './editor.js';
import { Inside } from './inside.js';
import { isolate } from './isolation.js';
import { forget, keep, kept } from './kept.js';
import { Place } from './place.js';
import { PRESETS } from './presets.js';
import type { Compiled, Project, Started } from './protocol.js';
import { Rate } from './rate.js';
import { ModelClient, samplesOf } from './sealed/model-client.js';
import { followTheme } from './theme.js';
import { compareWithTape, findRate } from './tools.js';
import { TrainingView } from './training-view.js';
import { Words } from './words.js';

const SEED = 42;

/** The model that is in use: its project, and the worker that trains it. */
interface InUse {
  project: Project;
  client: ModelClient;
  started: Started;
  running: boolean;
}

const button = (id: string) => element<HTMLButtonElement>(id);
const compileButton = button('compile');
const goButton = button('go');
const preset = element<HTMLSelectElement>('preset');
/** What a model in use is needed for. */
const tools = ['restart', 'find', 'compare', 'save', 'load', 'download'].map((id) =>
  element<HTMLButtonElement>(id),
);

let compilerClient: CompilerClient | null = null;
const compiler = () => (compilerClient ??= new CompilerClient());
/** Ready for the next model. */
let spare: ModelClient | null = null;
/** The model that is being compiled. */
let compiling: ModelClient | null = null;
let inUse: InUse | null = null;
/** The rate of a preset that waits for its model to be compiled: the one in training keeps its own. */
let presetRate: number | null = null;

followTheme(button('theme'));
const view = new TrainingView();
const inside = new Inside(compiler);
const editor = sourceEditor(element('editor'), compile, edited);
const alarm = new Alarm(() => editor);
const guarded = (act: () => Promise<void>) => alarm.guarded(act);
const words = new Words(
  (own) => {
    keep({ words: own });
    note('New words: compile to train on them.');
    explain();
    compileButton.focus();
  },
  (message) => alarm.show({ message }),
);
const rate = new Rate((value) => {
  presetRate = null;
  keep({ rate: value });
  if (inUse) void guarded(() => inUse!.client.call('rate', value));
});
const place = new Place((threads) => {
  keep({ threads });
  void guarded(changeThreads);
});

function note(text: string): void {
  element('compiled').textContent = text;
}

/** Runs what a button asks for. */
function on(id: string, act: () => Promise<void>): void {
  element(id).addEventListener('click', () => guarded(act));
}

// Compiling

const project = (): Project => ({ source: editor.state.doc.toString(), words: words.current, seed: SEED });

function edited(): void {
  alarm.show(null);
  const source = editor.state.doc.toString();
  // The next visit has the presets as they are then.
  keep({ source: PRESETS.some((known) => known.source === source) ? undefined : source });
  explain();
}

function compile(): void {
  if (compiling) cancel();
  else void guarded(compileNow);
}

function cancel(): void {
  const cancelled = compiling;
  compiling = null;
  cancelled?.end();
  compilerClient?.end();
  compilerClient = null;
}

async function compileNow(): Promise<void> {
  const made = project();
  const suited = presetRate;
  const client = spare ?? new ModelClient(compiler);
  spare = null;
  compiling = client;
  compileButton.textContent = 'Cancel';
  alarm.show(null);
  explain();
  const began = performance.now();
  note('Tracing, differentiating, compiling …');
  try {
    const compiled = await client.call('compile', made);
    const next = await startTraining(client, made);
    if (suited !== null && presetRate === suited) rate.set(suited);
    await client.call('rate', rate.value);
    await replace(next);
    inside.show(compiled);
    note(`${summary(compiled)}${loading(compiled, performance.now() - began)}.`);
  } catch (error) {
    client.end();
    note(inUse ? 'Not compiled; the model before stays in use.' : 'Not compiled.');
    if (compiling) throw error;
  } finally {
    compiling = null;
    compileButton.textContent = 'Compile';
    explain();
  }
}

function summary({ parameters, wasmBytes, cached, milliseconds }: Compiled): string {
  const how = cached ? 'kept from before' : `compiled in ${seconds(Number(milliseconds))}`;
  return `${count(Number(parameters))} parameters, ${bytes(Number(wasmBytes))} of WebAssembly, ${how}`;
}

function loading({ compilerBytes, cached }: Compiled, took: number): string {
  if (!compilerBytes || cached) return '';
  return `; the compiler is ${bytes(Number(compilerBytes))}, ${seconds(took)} with its loading`;
}

async function startTraining(client: ModelClient, of: Project): Promise<InUse> {
  const next: InUse = { project: of, client, running: false, started: await startAs(client) };
  client.listeners = {
    progress: (progress) => {
      if (inUse === next) view.progress(progress);
    },
    stopped: (trouble) => {
      if (inUse !== next) return;
      running(false);
      alarm.show(trouble);
    },
  };
  return next;
}

const startAs = (client: ModelClient) => client.call('start', { threads: place.threads });

/** Takes the new worker into use and lets the old one go. */
async function replace(next: InUse): Promise<void> {
  inUse?.client.end();
  inUse = next;
  view.start(next.started);
  place.started(next.started);
  for (const tool of tools) tool.disabled = false;
  running(false);
}

// Training

function running(is: boolean): void {
  if (inUse) inUse.running = is;
  goButton.textContent = is ? 'Pause' : view.at === 0 ? 'Train' : 'Resume';
  goButton.disabled = !inUse;
  const badge = element('running');
  badge.textContent = is ? 'training' : !inUse ? 'not started' : view.at === 0 ? 'ready' : 'paused';
  badge.dataset.state = is ? 'running' : '';
  explain();
}

/** Says what stands between the user and training on what is in the editor. */
function explain(): void {
  const why = element('go-why');
  const stale = inUse && (inUse.project.source !== project().source || inUse.project.words !== words.current);
  if (compiling) why.textContent = inUse ? '' : 'The model is being compiled.';
  else if (!inUse) why.textContent = 'Compile the model first.';
  else
    why.textContent = stale
      ? 'This is the model as it was compiled last: compile again to use your changes.'
      : '';
  why.hidden = why.textContent === '';
}

async function pause(): Promise<boolean> {
  if (!inUse?.running) return false;
  await inUse.client.call('pause');
  running(false);
  return true;
}

async function resume(): Promise<void> {
  if (!inUse) return;
  alarm.show(null);
  await inUse.client.call('train');
  running(true);
}

/** Other work has the cores for itself while training waits; it has a worker of its own. */
async function meanwhile(
  id: string,
  act: (client: ModelClient, project: Project) => Promise<void>,
): Promise<void> {
  if (!inUse) return;
  const wasRunning = await pause();
  const client = new ModelClient(compiler);
  button(id).disabled = true;
  try {
    await act(client, inUse.project);
  } finally {
    client.end();
    button(id).disabled = false;
    if (wasRunning) await resume();
  }
}

/** The same place in the training, with another number of threads. */
async function changeThreads(): Promise<void> {
  const now = inUse;
  if (!now) return;
  const wasRunning = await pause();
  const checkpoint = await now.client.call('checkpoint');
  now.started = await startAs(now.client);
  await now.client.call('restore', checkpoint);
  place.started(now.started);
  if (wasRunning) await resume();
}

async function restart(): Promise<void> {
  const now = inUse;
  if (!now) return;
  const wasRunning = await pause();
  now.started = await startAs(now.client);
  alarm.show(null);
  view.start(now.started);
  running(false);
  if (wasRunning) await resume();
}

compileButton.addEventListener('click', compile);
on('go', () => (inUse?.running ? pause().then(() => {}) : resume()));
on('restart', restart);
on('find', () => meanwhile('find', (client, of) => findRate(client, of, (value) => rate.set(value))));
on('compare', () =>
  meanwhile('compare', (client, of) => compareWithTape(client, { ...of, rate: rate.value })),
);

on('save', async () => {
  if (!inUse) return;
  const checkpoint = await inUse.client.call('checkpoint');
  download('names.safetensors', checkpoint as Uint8Array<ArrayBuffer>, 'application/octet-stream');
});

const load = element<HTMLInputElement>('load');
load.addEventListener('change', () =>
  guarded(async () => {
    const [file] = load.files ?? [];
    load.value = '';
    if (!file || !inUse) return;
    await pause();
    const { at, samples } = await inUse.client.call('restore', new Uint8Array(await file.arrayBuffer()));
    alarm.show(null);
    view.start(inUse.started, Number(at));
    view.samples(samplesOf(samples));
    running(false);
    note(`${file.name}: loaded, goes on from step ${count(Number(at))}.`);
  }),
);

on('download', async () => {
  if (!inUse) return;
  const { client } = inUse;
  const checkpoint = view.at === 0 ? null : await client.call('checkpoint');
  const zip = await compiler().call('pack', await client.call('artifact', { checkpoint }));
  download('names.zip', zip as Uint8Array<ArrayBuffer>, 'application/zip');
});

// The beginning

preset.replaceChildren(...PRESETS.map(({ id, label }) => new Option(label, id)));

function choosePreset(): void {
  const chosen = PRESETS.find(({ id }) => id === preset.value) ?? PRESETS[0];
  setText(editor, chosen.source);
  keep({ preset: chosen.id, rate: chosen.rate });
  if (!inUse && !compiling) {
    rate.set(chosen.rate);
    return;
  }
  presetRate = chosen.rate;
  note(`Compile to use this model; its learning rate, ${chosen.rate}, is set then.`);
}
preset.addEventListener('change', choosePreset);

button('reset').addEventListener('click', () => {
  preset.value = PRESETS[0].id;
  choosePreset();
  words.reset();
  place.threads = 'auto';
  forget();
  note('As at the first visit: compile to use this model.');
  explain();
});

const before = { ...kept() };
if (PRESETS.some(({ id }) => id === before.preset)) preset.value = before.preset!;
choosePreset();
if (before.source !== undefined) setText(editor, before.source);
if (before.rate !== undefined) rate.set(before.rate);
if (before.threads !== undefined) place.threads = before.threads;

void isolate();
void guarded(() => words.load(before.words ?? null));
void guarded(async () => {
  const client = new ModelClient(compiler);
  spare = client;
  const { most, reason } = await client.call('support');
  if (!inUse) place.support({ most: Number(most), reason });
});
