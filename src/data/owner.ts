import type * as Files from 'node:fs/promises';
import type * as Os from 'node:os';
import { sha256 } from '../digest.js';
import { builtin } from '../host.js';

/**
 * A process among all that may write into a folder: the machine and container that its number counts in, its number, and
 * when it began, since numbers are given out again. As text: `8 hexadecimal digits-number-8 hexadecimal digits`.
 */
export const OWNER = /^([0-9a-f]{8})-(\d{1,10})-([0-9a-f]{8})$/;

/** Where the system does not tell when a process began. */
const UNKNOWN = '00000000';

let own: Promise<string> | undefined;

/** This process. */
export function thisProcess(): Promise<string> {
  own ??= (async () => `${await placeHere()}-${process.pid}-${await startOf(process.pid)}`)();
  return own;
}

/** Whether a process is known to have ended. Of one on another machine nothing is known. */
export async function hasEnded(owner: string): Promise<boolean> {
  const [, place, pid, start] = OWNER.exec(owner) ?? [];
  if (place !== (await placeHere())) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    // Anything else (EPERM) says that it is somebody else's, and so that it runs.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  const now = await startOf(Number(pid));
  return start !== UNKNOWN && now !== UNKNOWN && now !== start;
}

/** Tells apart the places where numbers of processes count: a machine, or a container on it. */
async function placeHere(): Promise<string> {
  const [{ hostname }, { readlink }] = await Promise.all([
    builtin<typeof Os>('os'),
    builtin<typeof Files>('fs/promises'),
  ]);
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return digits(`${hostname()} ${namespace}`);
}

/** Tells apart processes of one number: by the machine's start and theirs since then (proc(5): the 22nd field). */
async function startOf(pid: number): Promise<string> {
  const { readFile } = await builtin<typeof Files>('fs/promises');
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    // The second field is the program's name, which may hold spaces and brackets.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return digits(`${boot} ${ticks}`);
  } catch {
    return UNKNOWN;
  }
}

const digits = async (text: string) => (await sha256(new TextEncoder().encode(text))).slice(0, 8);
