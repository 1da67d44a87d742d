import { type CompiledModule, costOf } from '../engine.js';

/** Below so much work for each, threads wait for each other about as long as they save. */
const SHARE_MS = 0.5;
/** More have not been seen to pay in a tab. */
const MOST = 8;

/**
 * How many threads a model shall have where nobody chooses: one core is left to the page and to all else that runs,
 * since threads that wait for one that is not running lose more than they gain.
 */
export function autoThreads(module: CompiledModule, cores: number): { threads: number; why: string } {
  const step = module.schedules.train.kernels.reduce((sum, kernel) => sum + costOf(kernel).nanoseconds, 0);
  return chooseThreads(step / 1e6, cores);
}

export function chooseThreads(stepMs: number, cores: number): { threads: number; why: string } {
  const worth = Math.max(1, Math.floor(stepMs / SHARE_MS));
  const free = Math.max(1, cores - 1);
  const threads = Math.min(worth, free, MOST);
  const cost = `a step of this model is about ${Number(stepMs.toPrecision(2))} ms of work`;
  if (worth === 1) return { threads, why: `${cost}, too little to share` };
  if (cores === 1) return { threads, why: 'this machine has one core' };
  return { threads, why: `${cost}, and one of ${cores} cores is left to the page` };
}
