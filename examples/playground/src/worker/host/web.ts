// In the place of src/run/web.ts: no storage, and threads whose code came with the model's worker.
import thread from 'virtual:thread';
import { type Library, pageHelper, type Spawn } from '../../engine.js';

/** The library stays where the compiler is. */
export const readLibrary = async (): Promise<Library> => ({});

export const moduleCache = () => undefined;

let address = '';

export const spawnWorker: Spawn = (start) => {
  address ||= URL.createObjectURL(new Blob([thread], { type: 'text/javascript' }));
  return pageHelper(new Worker(address), start);
};
