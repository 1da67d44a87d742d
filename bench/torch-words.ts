import type { WordSizes } from '../src/models/words.js';
import { talkToTorch } from './peers.js';
import { stepsFor } from './steps-for.js';

interface Task extends WordSizes {
  batch: number;
  threads: number;
  weightDecay: number;
  seed: number;
}

/** PyTorch training the model of words on a text, in a process of its own. Throws where it is not installed. */
export async function enterTorchWords(task: Task, text: Int32Array) {
  const process = await talkToTorch('torch_words.py', task.threads);
  const bytes = new Uint8Array(text.buffer, text.byteOffset, text.byteLength);
  await process.begin(bytes, (file) => process.ask({ task: { ...task, file } }));
  return {
    /** Steps for so many milliseconds. */
    async take(lr: number, ms: number) {
      let last: Record<string, number> = {};
      const taken = await stepsFor(ms, async (steps) => {
        last = await process.ask({ steps, lr });
      });
      return { ...taken, loss: last.loss, resident: last.resident };
    },
    close: () => process.close(),
  };
}
