// What the benchmark asks of the worker in a page.
import type { ColumnFiles } from './fetch-columns.js';
import type { MeasureOptions } from './measure.js';
import type { DigitsResult, DigitsTraining } from './train-digits.js';
import type { TextResult, TextTraining } from './train-text.js';

/** A training whose data the page fetches. */
export type Fetched<T extends { data: object }> = Omit<T, 'data'> & {
  data: { [P in keyof T['data']]: ColumnFiles };
};

export interface Calls {
  start: { given: MeasureOptions; result: number };
  take: { given: MeasureOptions; result: number };
  digits: { given: Fetched<DigitsTraining>; result: DigitsResult };
  text: { given: Fetched<TextTraining>; result: TextResult };
}
