// A process whose threads fail, at the start and in a step, and that has nothing else to do then.
import { start } from './faults.js';

await start('exits').catch((error) => console.log(`start: ${error.name}`));
const { session, workers } = await start();
workers[1].terminate();
try {
  session.step({ lr: 0.01 });
} catch (error) {
  console.log(`step: ${(error as Error).name}`);
}
await session.close();
console.log('closed');
