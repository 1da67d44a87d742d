import { describe, expect, it } from 'vitest';
import { DivergedError, type Session } from '../../src/index.js';
import { line, points, variables } from './small.js';

async function run(
  session: Session,
  steps: number,
  lr: number | ((step: number) => number),
): Promise<number[]> {
  const losses: number[] = [];
  for await (const progress of session.run({ steps, lr, every: 1 })) losses.push(...progress.losses);
  return losses;
}

async function diverge(session: Session, lr: number | ((step: number) => number)): Promise<DivergedError> {
  const error = await run(session, 2000, lr).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(DivergedError);
  return error as DivergedError;
}

const finite = (session: Session) => Object.values(variables(session)).flat().every(Number.isFinite);

function opened(): Session {
  const session = line().interpret();
  session.data(points);
  return session;
}

describe('a run whose loss stops being finite', () => {
  it('ends with an error that names the step and what to do', async () => {
    const session = opened();
    const error = await diverge(session, 1e6);
    expect(error.step).toBeGreaterThan(1);
    expect(Number.isFinite(error.loss)).toBe(false);
    expect(error.message).toBe(
      `the loss became ${error.loss} at step ${error.step}; the parameters were put back to step ${error.restoredStep}, ` +
        'the last with a finite loss. Try a lower learning rate.',
    );
  });

  it('is put back to finite parameters, and can go on', async () => {
    const session = opened();
    const { restoredStep } = await diverge(session, 1e6);
    expect(finite(session)).toBe(true);
    expect(session.at).toBe(restoredStep);
    const losses = await run(session, 300, 0.01);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses.at(-1)!).toBeLessThan(losses[0]);
  });

  it('is put back to what it was at that step, bit for bit', async () => {
    const [session, other] = [opened(), opened()];
    await run(session, 20, 0.01);
    const { restoredStep } = await diverge(session, (step) => (step < 25 ? 0.01 : 1e20));
    expect(restoredStep).toBeLessThanOrEqual(26);
    for (let step = 0; step < restoredStep; step++) other.step({ lr: 0.01 });
    expect(variables(session)).toEqual(variables(other));
  });

  it('does not lose what was written before it', async () => {
    const session = opened();
    await run(session, 5, 0.01);
    session.write('bias', [0.75]);
    session.write('weight', [0.25, -0.25]);
    const { restoredStep } = await diverge(session, 1e20);
    expect(restoredStep).toBe(5);
    expect(variables(session)).toEqual({ weight: [0.25, -0.25], bias: [0.75] });
  });

  it('does not lose single steps that were taken before it', async () => {
    const session = opened();
    await run(session, 5, 0.01);
    for (let i = 0; i < 3; i++) session.step({ lr: 0.01 });
    const before = variables(session);
    const { restoredStep } = await diverge(session, 1e20);
    expect(restoredStep).toBe(8);
    expect(variables(session)).toEqual(before);
  });
});

describe.each(['drawn', 'given'])('a single step on a %s batch whose loss is not finite', (kind) => {
  const batch = kind === 'given' ? points : undefined;
  const step = (session: Session, lr: number) =>
    session.step(batch ? { lr, batch: { x: batch.x.slice(0, 6), y: batch.y.slice(0, 3) } } : { lr });

  function fail(session: Session, lr: number): DivergedError {
    for (let i = 0; i < 200; i++) {
      try {
        step(session, lr);
      } catch (error) {
        expect(error).toBeInstanceOf(DivergedError);
        return error as DivergedError;
      }
    }
    throw new Error('it never diverged');
  }

  it('throws, and the parameters are back where they were finite', () => {
    const session = opened();
    const error = fail(session, 1e20);
    expect(Number.isFinite(error.loss)).toBe(false);
    expect(finite(session)).toBe(true);
    expect(session.at).toBe(error.restoredStep);
    expect(step(session, 0.01)).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  it('goes back bit for bit', () => {
    const [session, other] = [opened(), opened()];
    for (let i = 0; i < 5; i++) step(session, 0.01);
    const { restoredStep } = fail(session, 1e20);
    for (let i = 0; i < restoredStep; i++) step(other, 0.01);
    expect(variables(session)).toEqual(variables(other));
  });

  it('does not undo what was written before it', () => {
    const session = opened();
    for (let i = 0; i < 5; i++) step(session, 0.01);
    session.write('weight', [0.25, -0.25]);
    session.write('bias', [0.75]);
    expect(fail(session, 1e20).restoredStep).toBe(5);
    expect(variables(session)).toEqual({ weight: [0.25, -0.25], bias: [0.75] });
  });

  it('is not where a later run goes back to if its parameters are not finite', async () => {
    const session = opened();
    // The loss of the first is finite still; its parameters are not.
    for (let i = 0; i < 3; i++) step(session, 0.01);
    step(session, 1e38);
    const { restoredStep } = await diverge(session, 0.01);
    expect(restoredStep).toBeLessThan(4);
    expect(finite(session)).toBe(true);
  });
});
