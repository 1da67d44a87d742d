// npx tsx examples/time-series/main.ts [--steps N] [--seed N] [--out FOLDER]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { optim } from '2headgrad';
import { lineChart } from '2headgrad/report';
import { BATCH, forecaster } from './model.js';
import { AHEAD, days, firstOf, NAIVE, starts, unscaled, windows } from './series.js';

process.on('uncaughtException', ({ message }) => {
  console.error(message);
  process.exit(1);
});
const { steps, seed, out } = options();

/** Forecasts of four weeks that follow one another: what is judged comes once. */
const parts = {
  train: starts(0, firstOf(2013)),
  2013: starts(firstOf(2013), firstOf(2014), AHEAD),
  2014: starts(firstOf(2014), days.length, AHEAD),
};
console.log(`${days.length} days, ${days[0].date} to ${days.at(-1)!.date}; forecasts of ${AHEAD} days`);
console.log(
  `${parts.train.length} to train on, all before 2013; ${parts[2013].length} in 2013 and ${parts[2014].length} in 2014 held out\n`,
);

const session = await forecaster.compile({ seed });
session.data(windows(parts.train));
const lr = optim.schedule.oneCycle({ max: 0.005, steps });
for await (const { at, loss } of session.run({ steps, lr, every: Math.ceil(steps / 10) }))
  console.error(`step ${at} of ${steps}, loss ${loss.toFixed(4)}`);
console.log(`a GRU of ${session.parameterCount} parameters, ${steps} steps of ${BATCH} forecasts\n`);

type Forecast = (today: number) => number[];
const ahead = Array.from({ length: AHEAD }, (_, i) => i);
const learned: Forecast = (today) =>
  Array.from(session.predict({ x: windows([today]).x }) as ArrayLike<number>, unscaled);
const forecasts: [name: string, forecast: Forecast][] = [
  ...Object.entries(NAIVE).map(([name, of]): [string, Forecast] => [
    name,
    (today) => ahead.map((i) => of(today, i)),
  ]),
  ['the GRU', learned],
];
console.log('births a day off the truth     2013: mean   root of squares   2014: mean   root of squares');
const errors = forecasts.map(([name, forecast]) => {
  const [before, last] = [parts[2013], parts[2014]].map((part) => judge(forecast, part));
  const cells = [before.mean, before.root, last.mean, last.root].map((x) => x.toFixed(0));
  console.log(
    `${name.padEnd(26)} ${cells[0].padStart(16)} ${cells[1].padStart(17)} ${cells[2].padStart(12)} ${cells[3].padStart(17)}`,
  );
  return last;
});
const best = Math.min(...errors.slice(0, -1).map(({ mean }) => mean));
const less = 100 * (1 - errors.at(-1)!.mean / best);
console.log(
  `\nin 2014 the GRU is off by ${Math.abs(less).toFixed(0)} % ${less >= 0 ? 'less' : 'more'} than the best of the others`,
);

draw('december', parts[2014].at(-1)!, 'The last forecast of 2014');
draw('summer', parts[2014][6], 'A forecast in the middle of 2014');
drawErrors();
await session.close();

/** How far forecasts are off, a day. */
function judge(forecast: Forecast, from: readonly number[]) {
  const off = from.flatMap((today) => forecast(today).map((births, i) => births - days[today + i].births));
  const mean = off.reduce((sum, x) => sum + Math.abs(x), 0) / off.length;
  return { mean, root: Math.sqrt(off.reduce((sum, x) => sum + x * x, 0) / off.length) };
}

function picture(name: string, svg: string) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${name}.svg`), svg);
}

function draw(name: string, today: number, title: string) {
  const line = (label: string, values: readonly number[]) => ({
    label,
    points: values.map((y, x) => ({ x: x + 1, y })),
    dots: true,
  });
  const truth = ahead.map((i) => days[today + i].births);
  const [week, , level] = forecasts.map(([label, forecast]) => line(label, forecast(today)));
  const series = [line('truth', truth), line('the GRU', learned(today)), level, week];
  picture(
    name,
    lineChart({
      title: `${title}: births a day`,
      x: `day after ${days[today - 1].date}`,
      y: 'births',
      series,
    }),
  );
}

/** The mean error by how far ahead a day lies, over both years that were held out. */
function drawErrors() {
  const from = [...parts[2013], ...parts[2014]];
  const series = forecasts.map(([label, forecast]) => {
    const all = from.map((today) =>
      forecast(today).map((births, i) => Math.abs(births - days[today + i].births)),
    );
    const weeks = [0, 7, 14, 21].map((week) => all.flatMap((one) => one.slice(week, week + 7)));
    return {
      label,
      dots: true,
      points: weeks.map((off, i) => ({ x: 7 * i + 4, y: off.reduce((a, b) => a + b) / off.length })),
    };
  });
  picture(
    'errors',
    lineChart({
      title: 'How far off, by how far ahead',
      x: 'days ahead, by weeks',
      y: 'mean error, births a day',
      series,
    }),
  );
}

function options() {
  const { values } = parseArgs({
    options: {
      steps: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '42' },
      out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
    },
  });
  const whole = (name: 'steps' | 'seed', least: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least) return value;
    throw new Error(`--${name}: expected a whole number from ${least}, got ${values[name]}`);
  };
  return { ...values, steps: whole('steps', 1), seed: whole('seed', 0) };
}
