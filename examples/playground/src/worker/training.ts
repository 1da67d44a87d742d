import { OptionError, type Session, threadSupport } from '2headgrad';
import { evaluateGraph, type Graph } from '../engine.js';
import type { Progress, Started, Threads } from '../protocol.js';
import { autoThreads } from './auto-threads.js';
import type { Prepared } from './compile.js';
import { sampleWords, type Task } from './task.js';

/** Where a tanh is so flat that hardly any gradient passes: its derivative is below 0.06. */
const SATURATED = 0.97;
const SAMPLES = 12;
const REPORT_MS = 100;
/** Between looks at what takes longer: unseen words, saturation, samples. */
const LOOK_MS = 1000;
/** A session may take so many steps in one run; longer than anybody waits. */
const NO_END = 2 ** 31;

/** A model in training, which stops, goes on and answers questions between two reports. */
export class Training {
  private stop: AbortController | null = null;
  private done: Promise<void> = Promise.resolve();
  private looked = 0;
  /** Steps from one report to the next: about so many as REPORT_MS has. */
  private every = 1;

  private constructor(
    private readonly task: Task,
    private readonly session: Session,
    private readonly tanhs: Graph | null,
    private readonly seed: number,
    private rate: number,
  ) {}

  static async start(
    { task, module, seed }: Prepared,
    asked: Threads,
    rate: number,
  ): Promise<{ training: Training; started: Started }> {
    const { step, train } = task;
    const { most, reason } = threadSupport();
    const auto = autoThreads(module, most);
    const session = await step.start(module, { seed, threads: asked === 'auto' ? auto.threads : asked });
    session.data({ x: train.x, y: train.y });
    const tanhs = tanhOutputs(step.program.entries.evaluate);
    return {
      training: new Training(task, session, tanhs, seed, rate),
      started: {
        threads: session.threads,
        most,
        reason,
        auto,
        tokens: task.vocabulary.size,
        hasTanh: tanhs !== null,
      },
    };
  }

  setRate(rate: number): void {
    if (!(rate >= 0) || !Number.isFinite(rate))
      throw new OptionError(`the learning rate must be a number from 0, got ${rate}`);
    this.rate = rate;
  }

  /** Goes on until `pause`; what it reports of goes to `report`, an error that ends it to `fail`. */
  train(report: (progress: Progress) => void, fail: (error: unknown) => void): void {
    if (this.stop) return;
    this.stop = new AbortController();
    this.done = this.run(this.stop.signal, report)
      .catch(fail)
      .finally(() => {
        this.stop = null;
      });
  }

  async pause(): Promise<void> {
    this.stop?.abort();
    await this.done;
  }

  checkpoint(): Uint8Array {
    return this.session.checkpoint();
  }

  async restore(bytes: Uint8Array): Promise<{ at: number; samples: string[] }> {
    await this.pause();
    this.session.restore(bytes);
    return { at: this.session.at, samples: this.samples() };
  }

  async close(): Promise<void> {
    await this.pause();
    await this.session.close();
  }

  private async run(signal: AbortSignal, report: (progress: Progress) => void): Promise<void> {
    while (!signal.aborted) {
      const steps = this.session.run({ steps: NO_END, lr: () => this.rate, every: this.every, signal });
      for await (const { at, losses, stepsPerSecond } of steps) {
        // A mean of a few steps, as a pause leaves them, would stand out for no reason.
        if (losses.length < this.every) break;
        report({ at, loss: mean(losses), stepsPerSecond, ...this.look(false) });
        const wanted = Math.max(1, Math.round((stepsPerSecond * REPORT_MS) / 1000));
        if (wanted > 2 * this.every || wanted < this.every / 2) {
          // Not more at once: the first steps are slower than the others.
          this.every = Math.min(wanted, 16 * this.every);
          break;
        }
      }
    }
    report({ at: this.session.at, loss: Number.NaN, stepsPerSecond: Number.NaN, ...this.look(true) });
  }

  /** What is worth a look once a second. */
  private look(now: boolean): Partial<Progress> {
    if (!now && performance.now() - this.looked < LOOK_MS) return {};
    const { dev } = this.task;
    const found = {
      devLoss: this.session.evaluate({ x: dev.x, y: dev.y }),
      saturation: this.saturation(),
      samples: this.samples(),
    };
    this.looked = performance.now();
    return found;
  }

  private samples(): string[] {
    const predict = (x: Int32Array) => this.session.predict({ x });
    return sampleWords(this.task, predict, SAMPLES, this.seed + this.session.at);
  }

  /** On one batch of unseen words, by the ops' reference implementations. */
  private saturation(): number | undefined {
    if (!this.tanhs) return undefined;
    const { batch, context, dev } = this.task;
    if (dev.y.length < batch) return undefined;
    const names = this.session.names();
    const variables = Object.fromEntries(names.map((name) => [name, this.session.read(name)]));
    const { outputs } = evaluateGraph(
      this.tanhs,
      { x: dev.x.subarray(0, batch * context), y: dev.y.subarray(0, batch) },
      variables,
    );
    let flat = 0;
    let all = 0;
    for (const { data } of Object.values(outputs)) {
      all += data.length;
      for (const value of data) if (Math.abs(value) > SATURATED) flat++;
    }
    return flat / all;
  }
}

/** The graph with its tanhs as outputs, if it has any. */
function tanhOutputs(graph: Graph): Graph | null {
  const outputs = graph.nodes
    .filter((node) => node.op.name === 'tanh')
    .map((node, i) => ({ name: `tanh${i}`, node }));
  return outputs.length ? { ...graph, outputs } : null;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
