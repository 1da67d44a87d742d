// What every engine runs: the same steps from the same seed on the same rows. Plain JavaScript without imports.

const STEPS = 500;
const ROWS = 2048;
const TOKENS = 27;
const TIMED_MS = 1000;

/** Rows of a fixed sequence of pseudo-random tokens. */
function rows() {
  let state = 1;
  const token = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % TOKENS;
  };
  return { x: Array.from({ length: 3 * ROWS }, token), y: Array.from({ length: ROWS }, token) };
}

/** FNV-1a with two seeds, as 16 hexadecimal digits. */
class Hash {
  #parts = [0x811c9dc5, 0x01000193];
  add({ buffer, byteOffset, byteLength }) {
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength))
      this.#parts = this.#parts.map((part) => Math.imul(part ^ byte, 0x01000193));
  }
  text() {
    return this.#parts.map((part) => (part >>> 0).toString(16).padStart(8, '0')).join('');
  }
}

/** Trains, and returns the hash of all losses and variables, and how many steps a second it takes afterwards. */
export async function train(start, options, timed = true) {
  const session = await start({ seed: 42, ...options });
  session.data(rows());
  const losses = [];
  for await (const progress of session.run({ steps: STEPS, lr: 0.1 })) losses.push(...progress.losses);
  const hash = new Hash();
  hash.add(Float32Array.from(losses));
  for (const name of session.names()) hash.add(session.read(name).slice());
  let speed = null;
  const began = performance.now();
  while (timed && performance.now() - began < TIMED_MS) {
    for await (const progress of session.run({ steps: STEPS, lr: 0.1, every: STEPS }))
      speed = Math.max(speed, progress.stepsPerSecond);
  }
  const { threads } = session;
  await session.close();
  return { threads, hash: hash.text(), speed };
}

/** With each number of threads; those that cannot be had give a reason. */
export async function trainAll(start, threadSupport, asked) {
  const results = [];
  const notes = [];
  for (const threads of asked) {
    try {
      const result = await train(start, { threads });
      if (result.threads === threads) results.push(result);
      else notes.push(`${threads} threads: ${threadSupport().reason}`);
    } catch (error) {
      notes.push(`${threads} threads: ${error.name}: ${error.message}`);
    }
  }
  return { results, notes };
}
