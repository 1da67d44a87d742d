import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { lastJson, quickly, run, SMALL, start, workspace } from './command.js';

const { path, list } = workspace();
const quick = quickly();
const names = () => ['lr-find', 'names', ...SMALL, '--data', path('words.txt'), '--steps', '120'];
const find = (...args: string[]) => quick(...names(), ...args);

describe('lr-find', () => {
  it('prints the bounds, the suggestion and a command that trains with it, and writes a picture and a report', async () => {
    const out = path('found');
    const { code, stdout, stderr } = await run(...names(), '--out', out, '--norm', 'layer');
    expect(code, stderr).toBe(0);
    const suggestion = /suggestion +(\S+)/.exec(stdout)![1];
    const command = /Train with it: 2headgrad (.+)/.exec(stdout)![1].split(' ');
    expect(command).toContain(suggestion);
    for (const flag of ['--hidden', '16', '--embed', '4', '--batch', '8', '--norm', 'layer', '--data'])
      expect(command).toContain(flag);
    expect(stderr).toMatch(/rate 0\.001 +the loss/);
    expect(await list('found')).toEqual(['lr-find.svg', 'report.html']);
    expect(await readFile(path('found', 'lr-find.svg'), 'utf8')).toContain(suggestion);
    expect(await readFile(path('found', 'report.html'), 'utf8')).toContain(command.join(' '));

    const trained = await quick(...command, '--steps', '20', '--out', path('trained'));
    expect(trained.code, trained.stderr).toBe(0);
    expect(trained.stdout).toContain(`learning rate ${suggestion}`);
  });

  it('gives one JSON object, the same for the same seed on every engine', async () => {
    const out = ['--out', path('json'), '--json', '--seed', '5'];
    const [first, again] = [await find(...out), await find(...out)];
    expect(first.stdout.trim().split('\n')).toHaveLength(1);
    const found = lastJson(first);
    expect(lastJson(again)).toEqual(found);
    expect(found.bounds.lower).toBeLessThan(found.suggestion);
    expect(found.suggestion).toBeLessThan(found.bounds.upper);
    expect(found.rates).toHaveLength(found.losses.length);
    expect(found.why).toContain(`${found.suggestion}`);
    const compiled = lastJson(await run(...names(), ...out, '--engine', 'compiled'));
    expect(compiled.suggestion).toBe(found.suggestion);
    expect(compiled.losses[50]).toBeCloseTo(found.losses[50], 4);
  });

  it.each([
    [['--steps', '10'], 2, /'--steps <n>'.* whole number from 50/],
    [['--engine', 'tape', '--threads', '2'], 2, /the tape runs on one thread/],
    [['--norm', 'batch', '--batch', '1'], 2, /needs a batch of at least 2/],
    [['--lr', '1'], 2, /unknown option '--lr'.*lr-find --help/],
    [['--data', '/nowhere/words'], 1, /cannot read the words/],
    [['--out', '/proc/1/x'], 1, /cannot write into the folder/],
  ])('with %j ends with %d', async (args, expected, message) => {
    const { code, stderr, stdout } = await quick(...names(), '--out', path('none'), ...args);
    expect(code).toBe(expected);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
  });

  it('leaves a folder with a trained model alone', async () => {
    await mkdir(path('model'));
    await writeFile(path('model', 'model.safetensors'), 'mine');
    const { code, stderr } = await quick(...names(), '--out', path('model'));
    expect(code).toBe(2);
    expect(stderr).toMatch(/holds a trained model and its report; give another/);
    expect(await list('model')).toEqual(['model.safetensors']);
  });

  it('stops at a signal without writing anything', async () => {
    const { child, ended } = start([
      ...['lr-find', 'names', ...SMALL, '--data', path('words.txt')],
      ...['--steps', '1000000', '--out', path('stopped')],
    ]);
    child.stderr!.once('data', () => child.kill('SIGINT'));
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(stdout).toContain('Stopped; nothing was written.');
    await expect(list('stopped')).rejects.toThrow();
  });
});
