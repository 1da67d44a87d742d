import type * as Files from 'node:fs';
import type * as System from 'node:os';
import { IN_NODE } from '../../host.js';

/** What has to be known of a place to tell whether it can have wide vectors. */
export interface Place {
  /** As of `process`; undefined in a page. */
  readonly versions?: Readonly<Record<string, string | undefined>>;
  readonly arch: string;
  /** The program of the process is one file with Node in it: it cannot run a script. */
  readonly sealed: boolean;
  /** The features of the processor, where the system tells them. */
  readonly features: string | undefined;
}

/** Older versions of V8 lack the option, or join nothing in loops of ours with it. */
const FIRST_V8 = 13;
const NEEDS = "wide vectors need V8's --experimental-wasm-revectorize as Node.js 24 and later have it on x64";

/** Why a place has no wide vectors, or null if it may have them. */
export function obstacle({ versions, arch, sealed, features }: Place): string | null {
  const other = otherEngine(versions);
  if (other) return `${NEEDS}; this is ${other}`;
  if (Number.parseInt(versions!.v8 ?? '0', 10) < FIRST_V8)
    return `${NEEDS}; this is Node.js ${versions!.node}`;
  if (arch !== 'x64') return `${NEEDS}; this processor is ${arch}`;
  if (features !== undefined && !/\bavx2\b/.test(features))
    return 'wide vectors need AVX2, which this processor lacks';
  if (sealed)
    return 'wide vectors are tried in a process of their own, which a program of one file cannot start';
  return null;
}

/** What this is if it is not Node. */
function otherEngine(versions: Place['versions']): string | null {
  if (!versions?.node) return 'not Node.js';
  for (const [key, name] of Object.entries({ bun: 'Bun', deno: 'Deno', electron: 'Electron' }))
    if (versions[key]) return `${name} ${versions[key]}`;
  if (globalThis.navigator?.userAgent === 'Cloudflare-Workers') return 'workerd';
  return null;
}

/** This place. */
export function here(): Place {
  if (!IN_NODE) return { arch: '', sealed: false, features: undefined };
  // Without an import, which bundlers for browsers would stumble over.
  const builtin = <T>(name: string) => globalThis.process.getBuiltinModule?.(name) as T | undefined;
  const { versions, arch } = globalThis.process;
  const sealed = builtin<{ isSea?(): boolean }>('node:sea')?.isSea?.() ?? false;
  return { versions, arch, sealed, features: processorFeatures(builtin<typeof Files>('node:fs')) };
}

/** Model and features of the processor: what else the answer to a trial hangs on. */
export function processor(system: Pick<typeof System, 'cpus'>, { features = '' }: Place): string {
  return `${system.cpus()[0]?.model ?? ''} ${features}`.trim();
}

function processorFeatures(files: typeof Files | undefined): string | undefined {
  try {
    return /^flags\s*:\s*(.*)$/m.exec(files!.readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
