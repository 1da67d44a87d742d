import { cpus, hostname } from 'node:os';
import { checkOptions, positive } from '../check.js';
import { thisProcess } from '../data/owner.js';
import { OptionError } from '../errors.js';
import { version } from '../package-version.js';
import { PeerError } from './errors.js';
import { Peers } from './peers.js';
import { atOnce, type Transport, type Waiting } from './transport.js';

export interface MpiOptions {
  /** How many seconds another process may be silent in a step before this one gives up: 20 unless given. */
  seconds?: number | undefined;
}

export const SECONDS = 20;
const LIBRARIES = ['libmpi.so.40', 'libmpi.so', 'libmpi.dylib'];
/** Bytes of one message at most: MPI counts in 31 bits. */
const MESSAGE = 2 ** 28;
/**
 * So many looks at once, about half a millisecond, and then each with a nap before it, of so many milliseconds, after so many of which others
 * have a turn. Where there are more processes than processors, whoever only looks keeps another from its work. Processors are counted
 * whether or not this process is bound to one of them, as mpirun binds processes.
 */
const LOOKS = 500;
const NAPS = 20;
const NAP = 0.05;
const CROWDED = Number(process.env.OMPI_COMM_WORLD_LOCAL_SIZE ?? 1) > cpus().length;

/**
 * How Open MPI moves bytes between processes of one host, unless told: through a memory that they share, in large pieces. To copy from
 * another process's memory, as it would, took several times as long for lists of some megabytes in a memory of wasm.
 */
const SETTINGS = {
  OMPI_MCA_btl_vader_single_copy_mechanism: 'none',
  OMPI_MCA_btl_vader_max_send_size: '131072',
  // V8 has a handler of its own for accesses outside of a memory of wasm; Open MPI would put another in its place.
  OMPI_MCA_opal_signal: '6,7,8',
};

let joined = false;

/**
 * Joins the processes that `mpirun`, or Slurm's `srun`, has started: Open MPI moves the bytes between them. Called once in a process,
 * by all of them. A process that was started alone has no others, and needs no launcher. Throws OptionError where `koffi` or Open MPI is
 * not installed, with the command to install it.
 * @example
 * ```ts
 * import { mpi } from '2headgrad/distributed';
 * const peers = await mpi({ seconds: 30 });
 * console.log(peers.rank, 'of', peers.size); // 0 of 1
 * peers.close();
 * ```
 */
export async function mpi(options: MpiOptions = {}): Promise<Peers> {
  checkOptions('mpi', options, ['seconds']);
  const { seconds = SECONDS } = options;
  positive('mpi: seconds', seconds);
  if (joined) throw new OptionError('mpi: it was called before in this process: use what it gave then');
  const koffi = await loadKoffi();
  const transport = openTransport(loadLibrary(koffi));
  joined = true;
  const [place] = (await thisProcess()).split('-');
  const self = { host: hostname(), pid: process.pid, place };
  return atOnce(Peers.join(transport, self, seconds, version()));
}

async function loadKoffi() {
  try {
    return (await import('koffi')).default;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new OptionError('training over several processes needs the package koffi: npm install koffi');
  }
}

type Koffi = Awaited<ReturnType<typeof loadKoffi>>;
type Library = ReturnType<Koffi['load']>;

function loadLibrary(koffi: Koffi): Library {
  for (const [name, value] of Object.entries(SETTINGS)) process.env[name] ??= value;
  for (const name of LIBRARIES)
    try {
      // Its plugins look for its symbols.
      return koffi.load(name, { global: true });
    } catch {
      // The next one may be there.
    }
  throw new OptionError(
    'training over several processes needs Open MPI, whose library was not found: apt-get install openmpi-bin (Debian, Ubuntu), or brew install open-mpi (macOS)',
  );
}

function openTransport(library: Library): Transport {
  /** Handles of Open MPI are addresses of its symbols. */
  const handle = (name: string): unknown => {
    try {
      return library.symbol(name, 'char');
    } catch {
      throw new OptionError('the MPI library that was found is not Open MPI, the only one that is supported');
    }
  };
  const [world, byte, errorsReturn] = ['ompi_mpi_comm_world', 'ompi_mpi_byte', 'ompi_mpi_errors_return'].map(
    handle,
  );
  const f = (name: string, ...types: string[]) => {
    const call = library.func(name, 'int', types);
    return (...given: unknown[]) => check(name, call(...given));
  };
  const errorString = library.func('MPI_Error_string', 'int', ['int', 'void *', 'void *']);
  const check = (name: string, code: number) => {
    if (code === 0) return;
    const text = Buffer.alloc(4096);
    errorString(code, text, new Int32Array(1));
    throw new PeerError(`${name}: ${text.toString('utf8', 0, text.indexOf(0))}`);
  };
  f('MPI_Init', 'void *', 'void *')(null, null);
  f('MPI_Comm_set_errhandler', 'void *', 'void *')(world, errorsReturn);
  const ask = (name: string): number => {
    const answer = new Int32Array(1);
    f(name, 'void *', 'void *')(world, answer);
    return answer[0];
  };
  const [rank, size] = [ask('MPI_Comm_rank'), ask('MPI_Comm_size')];
  const message = ['void *', 'int', 'void *', 'int', 'int', 'void *', 'void *'];
  const [send, receive] = [f('MPI_Isend', ...message), f('MPI_Irecv', ...message)];
  const testAll = f('MPI_Testall', 'int', 'void *', 'void *', 'void *');
  const finalize = f('MPI_Finalize');
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const flag = new Int32Array(1);

  function* oneMessage(
    partner: number,
    out: Uint8Array | null,
    into: Uint8Array | null,
    channel: number,
  ): Waiting<void> {
    const requests = new BigUint64Array(2);
    let count = 0;
    if (into) receive(into, into.length, byte, partner, channel, world, requests.subarray(count++));
    if (out) send(out, out.length, byte, partner, channel, world, requests.subarray(count++));
    for (;;) {
      testAll(count, requests, flag, null);
      if (flag[0] !== 0) return;
      yield;
    }
  }

  let open = true;
  const close = () => {
    if (open) finalize();
    open = false;
  };
  // A process that leaves without a word ends all others; so it should be where it failed, and only then.
  process.once('exit', (code) => {
    if (code === 0) close();
  });
  return {
    rank,
    size,
    *exchange(partner, out, into, channel) {
      const bytes = Math.max(out?.length ?? 0, into?.length ?? 0);
      for (let at = 0; at < bytes; at += MESSAGE)
        yield* oneMessage(
          partner,
          out?.subarray(at, at + MESSAGE) ?? null,
          into?.subarray(at, at + MESSAGE) ?? null,
          channel,
        );
    },
    rest(looks) {
      if (looks < LOOKS && !CROWDED) return false;
      Atomics.wait(nap, 0, 0, NAP);
      return looks % NAPS === 0;
    },
    close,
  };
}
