import { type Scenarios, scenarios } from './scenarios.js';

addEventListener('message', async ({ data: { id, name, options } }) => {
  const run = scenarios[name as keyof Scenarios] as (options: unknown) => Promise<unknown>;
  try {
    postMessage({ id, value: await run(options) });
  } catch (error) {
    postMessage({ id, error: String((error as Error).stack ?? error) });
  }
});
