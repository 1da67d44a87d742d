import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { TSX } from '../processes/tsx.js';
import { ROOT } from './bundle.js';

const folder = mkdtempSync(join(tmpdir(), 'bench-training-'));
afterAll(() => rmSync(folder, { recursive: true }));

function bench(...args: string[]): string {
  const command = [...TSX, 'bench/chromium.ts', ...args];
  return execFileSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' });
}

it('minutes on a text: a tab and Node take the same steps to the same bits, and write a curve, a page and a sample', () => {
  const data = join(folder, 'text.txt');
  writeFileSync(data, 'the cat sat on the mat, and the dog sat by the door.\n'.repeat(60));
  const sizes = ['--context', '16', '--layers', '1', '--heads', '2', '--dim', '8', '--batch', '4'];
  const run = (host: string[], out: string) => {
    const args = ['--text', '--steps', '30', '--minutes', '3', '--threads', '2', '--data', data];
    const printed = bench(...args, ...sizes, '--out', join(folder, out), ...host);
    const read = (file: string) => readFileSync(join(folder, out, file), 'utf8');
    return { printed, svg: read('curve.svg'), page: read('report.html'), ...JSON.parse(read('run.json')) };
  };
  const [tab, node] = [run([], 'tab'), run(['--node'], 'node')];
  expect(tab.losses).toHaveLength(30);
  expect(tab.losses).toEqual(node.losses);
  expect([tab.held, tab.sample]).toEqual([node.held, node.sample]);
  expect(Array.from(tab.sample as string)).toHaveLength(300);
  expect([tab.threads, node.threads]).toEqual([2, 2]);
  const at = (reports: { at: number; held: number }[]) => reports.map((report) => [report.at, report.held]);
  expect(at(tab.reports)).toEqual(at(node.reports));
  expect(at(tab.reports).map(([step]) => step)).toEqual([10, 20, 30]);
  expect(tab.reports[2].held).toBeLessThan(tab.reports[0].held);
  expect(tab.printed).toMatch(/GPT on chars, context 16, 1 layer, 2 heads, width 8, .*; Chromium [\d.]+\n/);
  expect(node.printed).toMatch(/; Node v[\d.]+\n/);
  const bits = (tab.held / Math.LN2).toFixed(4);
  expect(tab.printed).toContain(`bits a character, held out: ${bits}`);
  expect(tab.svg).toContain('bits a character');
  expect(tab.page).toContain('By the minute');
});

it('the time until digits are known: a tab and Node are at the share after the same step', () => {
  const printed = bench('--digits', '--percent', '50', '--steps', '400', '--every', '20', '--json');
  const lines = printed.trim().split('\n');
  const { share, results } = JSON.parse(lines.at(-1)!);
  expect(share).toBe(0.5);
  const hosts = Object.keys(results);
  expect(hosts.map((host) => host.split(' ')[0])).toEqual(['Node', 'Chromium']);
  const [node, tab] = hosts.map((host) => results[host]);
  for (const result of [node, tab]) {
    expect(result.reached).toBe(true);
    expect(result.right).toBeGreaterThanOrEqual(0.5);
    expect(result.seconds).toBeGreaterThan(result.stepSeconds);
    expect(result.at % 20).toBe(0);
  }
  expect([tab.at, tab.right, tab.loss]).toEqual([node.at, node.right, node.loss]);
  expect(lines.some((line) => /^Chromium [\d.]+ +1 +\d+ +\d\d\.\d\d %/.test(line))).toBe(true);
});
