import { boolean, checkOptions } from '../check.js';
import { decodeSafetensors } from '../data/safetensors.js';
import { DataError, GradError, OptionError } from '../errors.js';
import { checkSeed } from '../random/seed.js';
import { CompiledEngine } from '../run/engine.js';
import type { Spawn } from '../run/module.js';
import { checkThreads, grantThreads, threadNote } from '../run/threads.js';
import { describedValues } from '../train/initial.js';
import { Session } from '../train/session.js';
import { chooseModule, detectFeatures } from './features.js';
import { type Awaitable, bytesOf, checkBytes, loadBytes, type Source } from './load.js';
import {
  checkDigest,
  checkManifest,
  descriptionOf,
  layoutOf,
  type Manifest,
  type ModuleFile,
} from './manifest.js';

export interface StartOptions {
  /** Of the initial values and of the batches drawn. */
  seed?: number | undefined;
  /**
   * Threads that share the work of a step, for a model that was compiled with them; the result is the same for any
   * number. A page that is not cross-origin isolated has one: `session.threads` says how many there are.
   */
  threads?: number | undefined;
  /**
   * What to begin with: `shipped`, the file that came with the model, if one did; `fresh`, made from the seed;
   * or the bytes of a safetensors file, or its address.
   */
  weights?: 'shipped' | 'fresh' | Awaitable<Exclude<Source, string>> | undefined;
  /** `false`: no fused multiply-add, so that the bits are the same on every machine, though the steps take longer. */
  relaxed?: boolean | undefined;
  /**
   * The module itself, where it cannot be loaded from beside the runtime: compiled, its bytes, or where they are. It
   * must be the one that would be chosen; of a model with several, an object has them by the names of their files.
   */
  wasm?: Given | Readonly<Record<string, Given>> | undefined;
}

type Given = Awaitable<Source | WebAssembly.Module>;

/** A session of a precompiled model. */
export class ModelSession extends Session {
  /** The file that it runs. */
  file = '';
  /** Whether it uses fused multiply-add, so that its bits differ between machines. */
  relaxed = false;
}

/** Where the files of a model are, and how to start its threads. */
export interface Place {
  url(file: string): URL;
  spawn(): Promise<Spawn>;
}

/** Loads and starts a model whose manifest is known. */
export async function startModel(
  given: unknown,
  place: Place,
  options: StartOptions = {},
): Promise<ModelSession> {
  checkOptions('start', options, ['seed', 'threads', 'weights', 'relaxed', 'wasm'], {
    wide: 'a compiled folder runs in every engine alike; step.compile({ wide: true }) tries wide vectors in Node.js',
  });
  const { seed, threads = 1, weights = 'shipped', relaxed = true, wasm } = options;
  boolean('relaxed', relaxed);
  const manifest = checkManifest(given);
  await checkDigest(manifest);
  const chosen = seed ?? manifest.seed;
  checkSeed(chosen);
  checkThreads(threads);
  const named = modulesIn(await wasm);
  const modules = named ? givenModules(manifest, named) : manifest.modules;
  if (threads > 1 && !modules.some((m) => m.threads)) throw new OptionError(`threads: ${noneFor(manifest)}`);
  const granted = grantThreads(threads);
  const features = detectFeatures();
  const module = chooseModule({ modules }, granted, { ...features, relaxed: relaxed && features.relaxed });
  const [binary, saved] = await Promise.all([
    wasm === undefined
      ? loadBytes(place.url(module.file), module.bytes)
      : binaryOf(named ? named[module.file] : wasm),
    weightsOf(manifest, place, weights),
  ]);
  if (binary instanceof Uint8Array) await checkBytes(module.file, binary, module);
  const initial = describedValues(
    manifest.variables.filter(({ name }) => !saved?.has(name)),
    chosen,
  );
  const missing = manifest.variables.find(({ name }) => !initial.has(name) && !saved?.has(name));
  if (missing) {
    throw new DataError(
      `${missing.name} begins with what a function of the model's source gives, which a compiled model does not hold: use the weights that were shipped with it`,
    );
  }
  const start = {
    wasm: binary,
    layout: layoutOf(manifest),
    shared: module.threads,
    threads: granted,
    seed: chosen,
    initial,
    spawn: granted > 1 ? await place.spawn() : noThreads,
  };
  const engine = await CompiledEngine.start(start).catch((error: unknown) => {
    if (error instanceof GradError) throw error;
    throw new DataError(
      `${wasm ? 'the wasm that was given' : module.file} cannot run as ${module.file}: ${error}`,
    );
  });
  const session = new ModelSession(descriptionOf(manifest), engine);
  session.threadNote = threadNote(threads, granted);
  return begin(session, module, saved?.bytes);
}

/** What was given as `wasm` if it is an object of modules by their files, and not one module. */
function modulesIn(wasm: unknown): Readonly<Record<string, Given>> | undefined {
  const isNamed =
    typeof wasm === 'object' && wasm !== null && Object.keys(wasm).some((key) => /\.wasm$/.test(key));
  return isNamed ? (wasm as Record<string, Given>) : undefined;
}

function givenModules({ modules }: Manifest, named: Readonly<Record<string, Given>>): ModuleFile[] {
  const given = modules.filter(({ file }) => named[file] !== undefined);
  if (given.length > 0) return given;
  const files = modules.map(({ file }) => file).join(', ');
  throw new OptionError(`wasm: this model has ${files}, got ${Object.keys(named).join(', ')}`);
}

/** Why there is no module for threads. */
function noneFor({ modules }: Manifest): string {
  const file = modules.find((m) => m.threads)?.file;
  return file
    ? `the module for several threads is ${file}, and it is not among those given as wasm`
    : 'this model was compiled for one thread: compile it with --threads';
}

async function binaryOf(given: unknown): Promise<Uint8Array | WebAssembly.Module> {
  const wasm = await given;
  return wasm instanceof WebAssembly.Module ? wasm : bytesOf('wasm', wasm, 'bytes or a WebAssembly.Module');
}

async function begin(
  session: ModelSession,
  { file, relaxed }: ModuleFile,
  weights: Uint8Array | undefined,
): Promise<ModelSession> {
  session.file = file;
  session.relaxed = relaxed;
  try {
    if (weights) session.restore(weights);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

interface Weights {
  bytes: Uint8Array;
  has(name: string): boolean;
}

async function weightsOf(
  { weights: shipped }: Manifest,
  place: Place,
  asked: NonNullable<StartOptions['weights']>,
): Promise<Weights | undefined> {
  if (asked === 'fresh' || (asked === 'shipped' && !shipped)) return undefined;
  let bytes: Uint8Array;
  if (asked === 'shipped' && shipped) {
    bytes = await loadBytes(place.url(shipped.file), shipped.bytes);
    await checkBytes(shipped.file, bytes, shipped);
  } else if (typeof asked === 'string')
    throw new OptionError(
      `weights: expected 'shipped', 'fresh', bytes or new URL(path, import.meta.url), got ${asked}`,
    );
  else bytes = await bytesOf('weights', await asked);
  const names = new Set<string>();
  decodeSafetensors(bytes, (name) => {
    names.add(name);
    return false;
  });
  return { bytes, has: (name) => names.has(name) };
}

function noThreads(): never {
  throw new Error('a session of one thread starts no other');
}
