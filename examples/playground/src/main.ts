import { Alarm } from './alarm.js';
import { CompilerClient } from './compiler-client.js';
import { bytes, count, download, element, seconds } from './dom.js';
import { setText, sourceEditor } from './editor.js';
import { Inside } from './inside.js';
import { isolate } from './isolation.js';
import { forget, keep, kept } from './kept.js';
import { showKind } from './kinds.js';
import { LearnsFrom } from './learns-from.js';
import { linkedProgram } from './linked.js';
import { Place } from './place.js';
import { PRESETS } from './presets.js';
import { ProgramView } from './program-view.js';
import { type Compiled, FILE_NAMES, KINDS, type Project, type Started } from './protocol.js';
import { Rate } from './rate.js';
import { ModelClient } from './sealed/model-client.js';
import { shownOf } from './sealed/shown.js';
import { Shows } from './shows.js';
import { followTheme } from './theme.js';
import { beside, compareWithTape, findRate, stop } from './tools.js';
import { TrainingView } from './training-view.js';

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
const program = new ProgramView(compiler, () => editor.state.doc.toString(), guarded);
const learnsFrom = new LearnsFrom(
  (kind, own) => {
    keep({ [kind]: own });
    note(kind === 'words' ? 'New words: compile to train on them.' : 'A new text: compile to train on it.');
    explain();
    compileButton.focus();
  },
  (message) => alarm.show({ message }),
);
const shows = new Shows(
  async (wish) => {
    const asked = inUse;
    const shown = shownOf(await asked?.client.call('wish', wish));
    return asked && asked === inUse ? shown : null;
  },
  () => learnsFrom.loadDigits(),
  guarded,
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

const chosen = () => PRESETS.find(({ id }) => id === preset.value) ?? PRESETS[0];

/** What would be compiled now; without data while these are loaded. */
const project = (): Omit<Project, 'data'> & { data: Project['data'] | null } => {
  const { kind } = chosen();
  return { kind, source: editor.state.doc.toString(), data: learnsFrom.current(kind), seed: SEED };
};

function edited(): void {
  alarm.show(null);
  // What came with a link does not take the place of what the visitor has written.
  if (program.shown) return;
  const source = editor.state.doc.toString();
  // The next visit has the presets as they are then.
  keep({ source: PRESETS.some((known) => known.source === source) ? undefined : source });
  explain();
}

function compile(): void {
  if (program.shown) program.run();
  else if (compiling) cancel();
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
  const { kind } = chosen();
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
    const made: Project = { ...project(), data: await learnsFrom.load(kind) };
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
      if (inUse !== next) return;
      view.progress(progress);
      if (progress.shown) shows.show(progress.shown);
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
  view.start(next.project.kind, next.started);
  shows.start(next.project, next.started);
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
  const { kind, source, data } = project();
  const of = inUse?.project;
  // Before its data are loaded nothing of them has changed.
  const stale = of && (of.source !== source || of.kind !== kind || (data !== null && of.data !== data));
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
async function meanwhile(id: string, act: (client: ModelClient, of: InUse) => Promise<void>): Promise<void> {
  const now = inUse;
  if (!now || stop(button(id))) return;
  const wasRunning = await pause();
  try {
    await beside(button(id), new ModelClient(compiler), (client) => act(client, now));
  } finally {
    // Whoever has compiled another model since then has not asked it to train.
    if (wasRunning && inUse === now) await resume();
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
  view.start(now.project.kind, now.started);
  shows.start(now.project, now.started);
  running(false);
  if (wasRunning) await resume();
}

compileButton.addEventListener('click', compile);
on('go', () => (inUse?.running ? pause().then(() => {}) : resume()));
on('restart', restart);
on('find', () =>
  meanwhile('find', (client, { project, started }) =>
    findRate(client, { ...project, threads: Number(started.threads) }, (value) => rate.set(value)),
  ),
);
on('compare', () =>
  meanwhile('compare', (client, { project }) => compareWithTape(client, { ...project, rate: rate.value })),
);

on('save', async () => {
  if (!inUse) return;
  const checkpoint = await inUse.client.call('checkpoint');
  const name = FILE_NAMES[inUse.project.kind];
  download(`${name}.safetensors`, checkpoint as Uint8Array<ArrayBuffer>, 'application/octet-stream');
});

const load = element<HTMLInputElement>('load');
load.addEventListener('change', () =>
  guarded(async () => {
    const [file] = load.files ?? [];
    load.value = '';
    if (!file || !inUse) return;
    await pause();
    const { at, shown } = await inUse.client.call('restore', new Uint8Array(await file.arrayBuffer()));
    alarm.show(null);
    view.start(inUse.project.kind, inUse.started, Number(at));
    shows.show(shownOf(shown));
    running(false);
    note(`${file.name}: loaded, goes on from step ${count(Number(at))}.`);
  }),
);

on('download', async () => {
  if (!inUse) return;
  const { client, project: of } = inUse;
  const checkpoint = view.at === 0 ? null : await client.call('checkpoint');
  const zip = await compiler().call('pack', await client.call('artifact', { checkpoint }));
  download(`${FILE_NAMES[of.kind]}.zip`, zip as Uint8Array<ArrayBuffer>, 'application/zip');
});

// The beginning

const LEARN = { words: 'learn words', text: 'learn a text', digits: 'learn digits' } as const;
preset.replaceChildren(
  ...KINDS.map((kind) => {
    const group = document.createElement('optgroup');
    group.label = LEARN[kind];
    group.append(
      ...PRESETS.filter((known) => known.kind === kind).map(({ id, label }) => new Option(label, id)),
    );
    return group;
  }),
);

function choosePreset(): void {
  const { id, kind, source, rate: suited } = chosen();
  if (program.shown) leaveProgram();
  setText(editor, source);
  keep({ preset: id, rate: suited });
  showKind('model', kind);
  void guarded(async () => {
    await learnsFrom.load(kind);
    explain();
  });
  if (!inUse && !compiling) {
    rate.set(suited);
    view.prepare(kind);
    shows.prepare(kind);
    return;
  }
  presetRate = suited;
  note(`Compile to use this model; its learning rate, ${suited}, is set then.`);
}
preset.addEventListener('change', choosePreset);

function leaveProgram(): void {
  program.show(false);
  history.replaceState(null, '', location.pathname + location.search);
}

/** Shows the program of a link, if the address has one; it waits for its button. */
function showLinked(): void {
  const linked = linkedProgram(location.hash);
  if (linked === null) return;
  program.show(true);
  setText(editor, linked);
}
addEventListener('hashchange', showLinked);

button('reset').addEventListener('click', () => {
  preset.value = PRESETS[0].id;
  choosePreset();
  learnsFrom.reset();
  place.threads = 'auto';
  forget();
  note('As at the first visit: compile to use this model.');
  explain();
});

const before = { ...kept() };
if (PRESETS.some(({ id }) => id === before.preset)) preset.value = before.preset!;
learnsFrom.keep(before);
choosePreset();
if (before.source !== undefined) setText(editor, before.source);
if (before.rate !== undefined) rate.set(before.rate);
if (before.threads !== undefined) place.threads = before.threads;
showLinked();

void isolate();
void guarded(async () => {
  const client = new ModelClient(compiler);
  spare = client;
  const { most, reason } = await client.call('support');
  if (!inUse) place.support({ most: Number(most), reason });
});
