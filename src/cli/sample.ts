import { DataError, GradError } from '../errors.js';
import { readConfig, readModel } from './folder.js';
import { breathe } from './interrupt.js';
import { Output } from './output.js';
import { sampleWords } from './sampling.js';

export interface SampleOptions {
  count: number;
  seed?: number;
  json?: boolean;
}

/** Prints names that the model of a trained folder makes up. */
export async function sample(folder: string, { count, seed, json = false }: SampleOptions): Promise<number> {
  const config = await readConfig(folder);
  const { bytes, at } = await readModel(folder, config);
  const chosen = seed ?? config.settings.seed;
  const names = sampleWords(bytes, config.vocabulary, config.settings, chosen);
  const output = new Output(json);
  const samples: string[] = [];
  try {
    for (let i = 0; i < count && process.stdout.writable; i++) {
      const { value } = names.next();
      if (json) samples.push(value);
      else output.line(value);
      if (i % 100 === 99) await breathe();
    }
  } catch (error) {
    throw error instanceof GradError ? new DataError(`${folder}: ${error.message}`) : error;
  }
  output.result({ samples, seed: chosen, steps: at, dir: folder });
  return 0;
}
