import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../src/data/safetensors.js';
import { DataError, optim, type Session } from '../../src/index.js';
import { classifier, rows, variables } from './small.js';

function opened(step = classifier(), options: Parameters<typeof step.interpret>[0] = { seed: 5 }): Session {
  const session = step.interpret(options);
  session.data(rows);
  return session;
}

function train(session: Session, steps: number): number[] {
  return Array.from({ length: steps }, () => session.step({ lr: 0.1 }));
}

/** The checkpoint with some of its tensors changed. */
function changed(bytes: Uint8Array, change: (tensors: Map<string, unknown>) => void): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const copy = new Map(tensors);
  change(copy as Map<string, unknown>);
  return encodeSafetensors(copy, { ...metadata });
}

describe('a checkpoint', () => {
  it.each(['float32', 'float64'] as const)(
    'brings back every variable and the place in the run, in %s',
    (precision) => {
      const [one, two] = [opened(classifier(), { precision }), opened(classifier(), { precision, seed: 6 })];
      train(one, 9);
      two.restore(one.checkpoint());
      expect(variables(two)).toEqual(variables(one));
      expect(two.at).toBe(9);
    },
  );

  it.each([
    ['sgd', () => optim.sgd()],
    ['sgd with momentum', () => optim.sgd({ momentum: 0.9, nesterov: true })],
    ['adam', () => optim.adam()],
    ['adamw', () => optim.adamW()],
  ])('resumes with the bits of a run that was never broken off, with %s', (_, optimizer) => {
    const whole = opened(classifier(optimizer()));
    const broken = opened(classifier(optimizer()));
    const resumed = opened(classifier(optimizer()));
    const losses = train(whole, 40);
    train(broken, 17);
    resumed.restore(broken.checkpoint());
    expect(train(resumed, 23)).toEqual(losses.slice(17));
    expect(variables(resumed)).toEqual(variables(whole));
  });

  it('may hold tensors of any dtype that the model has no variable for', () => {
    const [one, two] = [opened(), opened()];
    train(one, 3);
    const bytes = changed(one.checkpoint(), (tensors) => {
      tensors.set('num_batches_tracked', { dtype: 'I32', shape: [2], data: new Int32Array(2) });
    });
    const header = new TextDecoder('latin1').decode(bytes);
    // Eight bytes: two of I32 are one of I64.
    const odd = Uint8Array.from(header.replace('"I32","shape":[2],', '"I64","shape":[1],'), (c) =>
      c.charCodeAt(0),
    );
    two.restore(odd);
    expect(variables(two)).toEqual(variables(one));
    const asked = Uint8Array.from(header.replace('"F32"', '"U32"'), (c) => c.charCodeAt(0));
    expect(() => two.restore(asked)).toThrow(/dtype "U32" is not one of F32/);
  });

  it.each(['interpret', 'compile'] as const)(
    'brings its seed along, so that batches go on as they were (%s)',
    async (engine) => {
      const whole = await classifier()[engine]({ seed: 5 });
      const resumed = await classifier()[engine]({ seed: 6 });
      for (const session of [whole, resumed]) session.data(rows);
      train(whole, 7);
      resumed.restore(whole.checkpoint());
      expect(resumed.seed).toBe(5);
      expect(train(resumed, 9)).toEqual(train(whole, 9));
      expect(resumed.checkpoint()).toEqual(whole.checkpoint());
      for (const session of [whole, resumed]) await session.close();
    },
  );

  it('without a seed leaves the session its own, and one that is none is refused', () => {
    const session = opened();
    const { tensors, metadata } = decodeSafetensors(session.checkpoint());
    const { seed: _, ...rest } = metadata;
    session.restore(encodeSafetensors(tensors, rest));
    expect(session.seed).toBe(5);
    for (const seed of ['-1', 'x', '4294967296', '1.5', ''])
      expect(() => session.restore(encodeSafetensors(tensors, { ...rest, seed }))).toThrow(
        /^checkpoint: .*is not a seed$/,
      );
  });

  it('is not changed by the steps after it', () => {
    const session = opened();
    train(session, 3);
    const [then, bytes] = [variables(session), session.checkpoint()];
    train(session, 3);
    expect(variables(session)).not.toEqual(then);
    session.restore(bytes);
    expect(variables(session)).toEqual(then);
    expect(session.at).toBe(3);
  });

  it('is a safetensors file with the names of the variables', () => {
    const session = opened();
    train(session, 4);
    const { tensors, metadata } = decodeSafetensors(session.checkpoint());
    expect([...tensors.keys()].sort()).toEqual(session.names().sort());
    expect(metadata).toMatchObject({ step: '4', seed: '5' });
    expect(tensors.get('layers.0.weight')).toMatchObject({ dtype: 'F32', shape: [7, 3] });
  });

  it('is saved to a file and loaded from it, and nothing else is left there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
    try {
      const [one, two] = [opened(), opened()];
      train(one, 6);
      const path = join(folder, 'model.safetensors');
      await one.save(path);
      await one.save(path);
      await two.load(path);
      expect(variables(two)).toEqual(variables(one));
      expect(await readdir(folder)).toEqual(['model.safetensors']);
      expect(new Uint8Array(await readFile(path))).toEqual(one.checkpoint());
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a checkpoint that does not fit', () => {
  const good = () => {
    const session = opened();
    train(session, 3);
    return session.checkpoint();
  };
  const bias = 'optimizer.velocity.layers.4.bias';
  const nan = { dtype: 'F32' as const, shape: [5], data: Float32Array.of(1, 2, Number.NaN, 4, 5) };

  it.each<[string, () => Uint8Array, string]>([
    [
      'of a wider model',
      () => opened(classifier(undefined, 8)).checkpoint(),
      'checkpoint: layers.2.weight is [6,8], the model has [6,6]',
    ],
    [
      'of another optimizer',
      () => opened(classifier(optim.sgd())).checkpoint(),
      'checkpoint: optimizer.velocity.layers.0.weight is missing: it was saved from another model',
    ],
    [
      'without a variable',
      () => changed(good(), (t) => t.delete('layers.4.bias')),
      'checkpoint: layers.4.bias is missing: it was saved from another model',
    ],
    [
      'with NaN in its last variable',
      () => changed(good(), (t) => t.set(bias, nan)),
      `checkpoint: ${bias}: NaN at position 2`,
    ],
    [
      'with a step that is none',
      () => encodeSafetensors(decodeSafetensors(good()).tensors, { step: 'three' }),
      'checkpoint: three is not a step',
    ],
  ])('%s is refused and changes nothing', (_, bytes, message) => {
    const session = opened();
    train(session, 2);
    const before = variables(session);
    const file = bytes();
    expect(() => session.restore(file)).toThrow(expect.objectContaining({ message }));
    expect(() => session.restore(file)).toThrow(DataError);
    expect(variables(session)).toEqual(before);
    expect(session.at).toBe(2);
  });

  it('because it is cut short is refused and changes nothing', () => {
    const session = opened();
    const before = variables(session);
    const bytes = good();
    for (const length of [0, 7, 100, bytes.length - 1]) {
      expect(() => session.restore(bytes.slice(0, length))).toThrow(DataError);
    }
    expect(variables(session)).toEqual(before);
  });
});
