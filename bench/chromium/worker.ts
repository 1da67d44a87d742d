import type { Calls } from './calls.js';
import { fetchColumns } from './fetch-columns.js';
import { type Measuring, startMeasuring } from './measure.js';
import { type DigitColumns, trainDigits } from './train-digits.js';
import { trainText } from './train-text.js';

let measuring: Measuring;
const tell = (report: unknown) => postMessage({ report });

const answers: { [C in keyof Calls]: (given: Calls[C]['given']) => Promise<Calls[C]['result']> } = {
  async start(options) {
    measuring = await startMeasuring(options);
    return 0;
  },
  take: () => measuring.take(),
  async digits({ data, ...training }) {
    const { train, test } = await fetchColumns(data);
    return trainDigits(
      {
        ...training,
        data: { train: train as unknown as DigitColumns, test: test as unknown as DigitColumns },
      },
      tell,
    );
  },
  text: async ({ data, ...training }) => trainText({ ...training, data: await fetchColumns(data) }, tell),
};

addEventListener('message', async ({ data: { call, given } }) => {
  try {
    postMessage({ value: await answers[call as keyof Calls](given) });
  } catch (error) {
    postMessage({ error: String((error as Error).stack ?? error) });
  }
});
