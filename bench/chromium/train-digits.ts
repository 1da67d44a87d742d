// Training of examples/digits until held-out digits are told right often enough, the same in Node and in a worker of a page.
import { judge } from '../../examples/digits/judge.js';
import { digits, RATE } from '../../examples/digits/model.js';
import { optim } from '../../src/index.js';

/** Images x: f32[rows, 28, 28, 1] with what they are, y: i32[rows]. */
export interface DigitColumns {
  x: Float32Array;
  y: Int32Array;
}

export interface DigitsTraining {
  data: Record<'train' | 'test', DigitColumns>;
  seed: number;
  threads: number;
  /** Of the cycle of rates; fewer are taken where the share is reached before. */
  steps: number;
  /** Held-out digits are judged after so many steps each time. */
  every: number;
  /** The share that has to be told right. */
  share: number;
}

export interface DigitsReport {
  at: number;
  /** Since the first step, with what it took to judge. */
  seconds: number;
  /** The mean over the batches since the last report. */
  loss: number;
  right: number;
}

export interface DigitsResult extends DigitsReport {
  /** Whether the share was reached; all else is as of then, or of the last step. */
  reached: boolean;
  threads: number;
  threadNote: string | null;
  /** From the training step to its first step. */
  compileSeconds: number;
  /** Of nothing but steps. */
  stepSeconds: number;
}

export async function trainDigits(
  { data, seed, threads, steps, every, share }: DigitsTraining,
  tell: (report: DigitsReport) => void,
): Promise<DigitsResult> {
  const { train, test } = data;
  const began = performance.now();
  const session = await digits.compile({ seed, threads, cache: false });
  try {
    session.data({ x: train.x, y: train.y });
    const compileSeconds = secondsSince(began);
    const held = { ...test, rows: test.y.length };
    const started = performance.now();
    let last: DigitsReport = { at: 0, seconds: 0, loss: Number.NaN, right: 0 };
    let stepSeconds = 0;
    const lr = optim.schedule.oneCycle({ max: RATE, steps });
    for await (const { at, losses, stepsPerSecond } of session.run({ steps, lr, every })) {
      stepSeconds += losses.length / stepsPerSecond;
      const { right } = judge(session, held);
      const loss = losses.reduce((sum, one) => sum + one, 0) / losses.length;
      last = { at, seconds: secondsSince(started), loss, right };
      tell(last);
      if (right >= share) break;
    }
    const { threads: granted, threadNote } = session;
    return {
      ...last,
      reached: last.right >= share,
      threads: granted,
      threadNote,
      compileSeconds,
      stepSeconds,
    };
  } finally {
    await session.close();
  }
}

const secondsSince = (started: number) => (performance.now() - started) / 1000;
