import { Client, WorkerError } from './client.js';
import { bytes, count, download, element, seconds } from './dom.js';
import { setText, showTrouble, sourceEditor } from './editor.js';
import { Inside } from './inside.js';
import { isolate } from './isolation.js';
import { PRESETS } from './presets.js';
import type { Project, Started, Trouble } from './protocol.js';
import { followTheme } from './theme.js';
import { compareWithTape, findRate } from './tools.js';
import { TrainingView } from './training-view.js';
import { Words } from './words.js';

const SEED = 42;

/** The model that is in use: its project, and the worker that trains it. */
interface InUse {
  project: Project;
  client: Client;
  started: Started;
  running: boolean;
}

const button = (id: string) => element<HTMLButtonElement>(id);
const compileButton = button('compile');
const goButton = button('go');
const threadsSelect = element<HTMLSelectElement>('threads');
const rateInput = element<HTMLInputElement>('rate');
const rateRange = element<HTMLInputElement>('rate-range');
const tools = ['find', 'compare', 'save', 'load', 'download'].map((id) => element<HTMLButtonElement>(id));

let compiler: Client | null = null;
let compiling = false;
let inUse: InUse | null = null;

followTheme(button('theme'));
const view = new TrainingView();
const inside = new Inside(() => (compiler ??= new Client()));
const editor = sourceEditor(element('editor'), compile, () => showTrouble(editor, null));
const words = new Words(
  () => {
    note('New words: compile to train on them.');
    compileButton.focus();
  },
  (message) => alarm({ message }),
);

function note(text: string): void {
  element('compiled').textContent = text;
}

/** Shows what went wrong; a line of the user's source is marked in the editor too. */
function alarm(trouble: Trouble | null): void {
  const box = element('alert');
  box.hidden = !trouble;
  showTrouble(editor, trouble);
  if (!trouble) return;
  const text = document.createElement('span');
  text.textContent = trouble.message;
  const close = document.createElement('button');
  close.type = 'button';
  close.textContent = 'Dismiss';
  close.addEventListener('click', () => alarm(null));
  box.replaceChildren(text, close);
}

const troubleOf = (error: unknown): Trouble =>
  error instanceof WorkerError ? error.trouble : { message: String((error as Error).message ?? error) };

/** Runs what a button asks for; what goes wrong is shown. */
function on(id: string, act: () => Promise<void>): void {
  element(id).addEventListener('click', () => guarded(act));
}
async function guarded(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    alarm(troubleOf(error));
  }
}

// Compiling

function compile(): void {
  if (compiling) cancel();
  else void guarded(compileNow);
}

function cancel(): void {
  compiler?.end();
  compiler = null;
}

async function compileNow(): Promise<void> {
  const project: Project = { source: editor.state.doc.toString(), words: words.current, seed: SEED };
  compiling = true;
  compileButton.textContent = 'Cancel';
  alarm(null);
  const began = performance.now();
  note('Tracing, differentiating, compiling …');
  try {
    compiler ??= new Client();
    const compiled = await compiler.call('compile', project);
    const took = performance.now() - began;
    const client = await startTraining(project, null);
    await replace(client);
    inside.show(compiled);
    const how = compiled.cached ? 'kept from before' : `compiled in ${seconds(compiled.milliseconds)}`;
    const loaded =
      compiled.compilerBytes && !compiled.cached
        ? `; the compiler is ${bytes(compiled.compilerBytes)}, ${seconds(took)} with its loading`
        : '';
    note(
      `${count(compiled.parameters)} parameters, ${bytes(compiled.wasmBytes)} of WebAssembly, ${how}${loaded}.`,
    );
  } catch (error) {
    note(inUse ? 'Not compiled; the model before stays in use.' : 'Not compiled.');
    throw error;
  } finally {
    compiling = false;
    compileButton.textContent = 'Compile';
  }
}

/** A new worker with the model ready to train, from a checkpoint if there is one. */
async function startTraining(project: Project, checkpoint: Uint8Array | null): Promise<InUse> {
  const client = new Client({
    progress: (progress) => {
      if (inUse?.client === client) view.progress(progress);
    },
    stopped: (trouble) => {
      if (inUse?.client !== client) return;
      running(false);
      alarm(trouble);
    },
  });
  try {
    await client.call('rate', rate());
    const started = await client.call('start', { ...project, threads: Number(threadsSelect.value) });
    if (checkpoint) await client.call('restore', checkpoint);
    return { project, client, started, running: false };
  } catch (error) {
    client.end();
    throw error;
  }
}

/** Takes the new worker into use and lets the old one go. */
async function replace(next: InUse, keepCharts = false): Promise<void> {
  const before = inUse;
  inUse = next;
  if (!keepCharts) view.start(next.started);
  running(false);
  goButton.disabled = false;
  for (const tool of tools) tool.disabled = false;
  showPlace(next.started);
  if (!before) return;
  await before.client.call('close').catch(() => {});
  before.client.end();
}

function showPlace({ threads, most, reason }: Pick<Started, 'threads' | 'most' | 'reason'>): void {
  const isolated = crossOriginIsolated ? 'isolated' : 'not isolated';
  element('threads-said').textContent = `${threads} ${threads === 1 ? 'thread' : 'threads'} · ${isolated}`;
  document.querySelector<HTMLElement>('.dot')!.dataset.state = crossOriginIsolated ? 'good' : 'warn';
  const help = crossOriginIsolated
    ? ''
    : ' On a host without such settings a service worker of this page adds the headers, where the browser allows it.';
  element('place-why').textContent = reason
    ? `One thread: ${reason}.${help} The results are the same with any number of threads.`
    : `This page can use up to ${most} threads. The results are the same with any number.`;
  const options = Array.from({ length: most }, (_, i) => new Option(String(i + 1), String(i + 1)));
  if (threadsSelect.options.length !== most) threadsSelect.replaceChildren(...options);
  threadsSelect.value = String(threads);
}

// Training

const untrained = () => element('at').textContent === '0';

function running(is: boolean): void {
  if (inUse) inUse.running = is;
  goButton.textContent = is ? 'Pause' : untrained() ? 'Train' : 'Resume';
  const badge = element('running');
  badge.textContent = is ? 'training' : !inUse ? 'not started' : untrained() ? 'ready' : 'paused';
  badge.dataset.state = is ? 'running' : '';
}

async function pause(): Promise<boolean> {
  if (!inUse?.running) return false;
  await inUse.client.call('pause');
  running(false);
  return true;
}

async function resume(): Promise<void> {
  if (!inUse) return;
  alarm(null);
  await inUse.client.call('train');
  running(true);
}

/** Other work has the cores for itself while training waits. */
async function meanwhile(id: string, act: (project: Project) => Promise<void>): Promise<void> {
  if (!inUse) return;
  const { project } = inUse;
  const wasRunning = await pause();
  button(id).disabled = true;
  try {
    await act(project);
  } finally {
    button(id).disabled = false;
    if (wasRunning) await resume();
  }
}

const rate = () => Number(rateInput.value);

async function setRate(value: number, from?: HTMLInputElement): Promise<void> {
  if (from !== rateInput) rateInput.value = String(Number(value.toPrecision(3)));
  if (from !== rateRange && value > 0) rateRange.value = String(Math.log10(value));
  const isRate = rateInput.value !== '' && Number.isFinite(value) && value >= 0;
  rateInput.setCustomValidity(isRate ? '' : 'a number from 0');
  rateInput.reportValidity();
  if (isRate) await inUse?.client.call('rate', value);
}

compileButton.addEventListener('click', compile);
on('go', () => (inUse?.running ? pause().then(() => {}) : resume()));
rateInput.addEventListener('input', () => guarded(() => setRate(rate(), rateInput)));
rateRange.addEventListener('input', () => guarded(() => setRate(10 ** Number(rateRange.value), rateRange)));

threadsSelect.addEventListener('change', () =>
  guarded(async () => {
    if (!inUse) return;
    const wasRunning = await pause();
    const checkpoint = await inUse.client.call('checkpoint');
    await replace(await startTraining(inUse.project, checkpoint), true);
    if (wasRunning) await resume();
  }),
);

on('find', () => meanwhile('find', (project) => findRate(project, (value) => guarded(() => setRate(value)))));
on('compare', () => meanwhile('compare', (project) => compareWithTape({ ...project, rate: rate() })));

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
    alarm(null);
    view.start(inUse.started, at);
    view.samples(samples);
    running(false);
    note(`${file.name}: loaded, goes on from step ${count(at)}.`);
  }),
);

on('download', async () => {
  if (!inUse) return;
  const { project, client } = inUse;
  const checkpoint = untrained() ? null : await client.call('checkpoint');
  compiler ??= new Client();
  const zip = await compiler.call('artifact', { ...project, checkpoint });
  download('names.zip', zip as Uint8Array<ArrayBuffer>, 'application/zip');
});

// The beginning

const preset = element<HTMLSelectElement>('preset');
preset.replaceChildren(...PRESETS.map(({ id, label }) => new Option(label, id)));
function choosePreset(): void {
  const chosen = PRESETS.find(({ id }) => id === preset.value) ?? PRESETS[0];
  setText(editor, chosen.source);
  void guarded(() => setRate(chosen.rate));
}
preset.addEventListener('change', () => {
  choosePreset();
  note('Compile to use this model.');
});
choosePreset();

void isolate();
void guarded(() => words.load());
void guarded(async () => {
  const client = new Client();
  const { most, reason } = await client.call('support').finally(() => client.end());
  showPlace({ threads: most, most, reason });
});
