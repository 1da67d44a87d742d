import { type Measuring, startMeasuring } from './measure.js';

let measuring: Measuring;

addEventListener('message', async ({ data: { call, options } }) => {
  try {
    if (call === 'start') measuring = await startMeasuring(options);
    postMessage({ value: call === 'take' ? await measuring.take() : 0 });
  } catch (error) {
    postMessage({ error: String((error as Error).stack ?? error) });
  }
});
