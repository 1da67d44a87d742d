import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import {
  AHEAD,
  days,
  FEATURES,
  firstOf,
  NAIVE,
  PAST,
  scaled,
  starts,
  WINDOW,
  windows,
  YEAR,
} from '../../examples/time-series/series.js';
import { blocksOf, refusesInOneLine, runExample } from './run.js';

const home = fileURLToPath(new URL('../../examples/time-series', import.meta.url));
const readme = readFileSync(join(home, 'README.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'example-time-series-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const pictures = (where: string) => readdirSync(where).filter((file) => file.endsWith('.svg'));

it('a short run of examples/time-series prints what its README shows, and draws its pictures', async () => {
  const { stdout } = await runExample('time-series', '--steps', '20', '--out', folder);
  expect(blocksOf('time-series')).toContain(stdout);
  expect(pictures(folder).sort()).toEqual(pictures(home).sort());
  for (const file of pictures(home)) expect(readme).toContain(`](${file})`);
});

it('in the full run of the README the forecast is closer than every one that takes no model', () => {
  const [full] = blocksOf('time-series');
  const rows = [...Object.keys(NAIVE), 'the GRU'].map((name) => {
    const line = full.split('\n').find((line) => line.startsWith(name))!;
    return line.slice(name.length).trim().split(/\s+/).map(Number);
  });
  const learned = rows.pop()!;
  for (const row of rows) for (const [i, error] of row.entries()) expect(learned[i]).toBeLessThan(error);
});

it('what a forecast sees of the days to come is their calendar and the year before, and no year is in two parts', () => {
  const today = firstOf(2013);
  const { x, y } = windows([today]);
  for (let i = 0; i < WINDOW; i++) {
    const day = days[today - PAST + i];
    const [births, known, before, ...weekday] = x.subarray(i * FEATURES, (i + 1) * FEATURES);
    expect(known).toBe(Number(i < PAST));
    expect(births).toBe(i < PAST ? Math.fround(scaled(day.births)) : 0);
    expect(before).toBe(Math.fround(scaled(days[today - PAST + i - YEAR].births)));
    expect(weekday.indexOf(1)).toBe(day.weekday);
    expect(new Date(day.date).getUTCDay()).toBe((day.weekday + 1) % 7);
    if (i >= PAST) expect(y[i - PAST]).toBe(Math.fround(scaled(day.births)));
  }
  const train = starts(0, firstOf(2013));
  expect(train[0]).toBe(YEAR + PAST);
  expect(train.at(-1)! + AHEAD).toBe(firstOf(2013));
  for (const year of [2013, 2014]) {
    const from = starts(firstOf(year), year === 2014 ? days.length : firstOf(year + 1), AHEAD);
    expect(from).toHaveLength(13);
    for (const first of from) expect([days[first].year, days[first + AHEAD - 1].year]).toEqual([year, year]);
  }
});

it('forecasts without a model look at nothing from today on', () => {
  const today = firstOf(2014);
  const kept = days.slice(today).map(({ births }) => births);
  const all = () => Object.values(NAIVE).map((of) => Array.from({ length: AHEAD }, (_, i) => of(today, i)));
  const before = all();
  for (const day of days.slice(today)) day.births = Number.NaN;
  expect(all()).toEqual(before);
  days.slice(today).forEach((day, i) => {
    day.births = kept[i];
  });
});

refusesInOneLine('time-series', [
  [['--steps', '0'], '--steps: expected a whole number from 1, got 0'],
  [['--stepps', '3'], "Unknown option '--stepps'"],
]);
