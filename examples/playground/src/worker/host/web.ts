// In the place of src/run/web.ts: no storage, and threads whose code came with the model's worker.
import thread from 'virtual:thread';
import { type Platform, pageHelper } from '../../engine.js';

/** The library stays where the compiler is. */
const readLibrary: Platform['readLibrary'] = async () => ({});

const moduleCache: Platform['moduleCache'] = () => undefined;

let address = '';

const spawnWorker: Platform['spawnWorker'] = (start) => {
  address ||= URL.createObjectURL(new Blob([thread], { type: 'text/javascript' }));
  return pageHelper(new Worker(address), start);
};

/** Does not compile once the library asks a place for more. */
export const place: Platform = { readLibrary, moduleCache, spawnWorker };
export { moduleCache, readLibrary, spawnWorker };
