import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { lastJson, quickly, run, SMALL, workspace } from './command.js';

const { path } = workspace();
const quick = quickly();
const train = (out: string, ...args: string[]) =>
  quick(
    'train',
    'names',
    ...SMALL,
    '--data',
    path('words.txt'),
    '--steps',
    '40',
    '--json',
    '--out',
    path(out),
    ...args,
  );
const reportOf = (out: string) => readFile(path(out, 'report.html'), 'utf8');

describe('train --diagnostics', () => {
  it('adds pictures of activations, gradients and updates to the report, and changes no bit of the model', async () => {
    const [plain, looked] = [await train('plain'), await train('looked', '--diagnostics')];
    expect(looked.code, looked.stderr).toBe(0);
    expect(lastJson(looked).dev_loss).toBe(lastJson(plain).dev_loss);
    const model = (out: string) => readFile(path(out, 'model.safetensors'));
    expect((await model('looked')).equals(await model('plain'))).toBe(true);
    const report = await reportOf('looked');
    for (const heading of [
      'Activations, step 40',
      'Gradients of the activations, step 40',
      'Update to data: weights',
      'Saturated and dead',
    ])
      expect(report).toContain(`<h2>${heading}</h2>`);
    expect(report).toContain('hidden.weight');
    expect(await reportOf('plain')).not.toContain('Activations');
  });

  it('goes on in a run that is resumed, and has nothing to show of one without steps', async () => {
    await train('resumed');
    const { code, stderr } = await run(
      ...['train', 'names', '--resume', '--out', path('resumed'), '--steps', '60', '--diagnostics'],
    );
    expect(code, stderr).toBe(0);
    expect(await reportOf('resumed')).toContain('<h2>Activations, step 60</h2>');
    const none = await train('none', '--steps', '0', '--diagnostics');
    expect(none.code, none.stderr).toBe(0);
    expect(await reportOf('none')).not.toContain('Activations');
  });
});
