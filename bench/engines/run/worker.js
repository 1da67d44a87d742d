import { start, threadSupport } from './compiled/model.js';
import { trainAll } from './train.js';

self.onmessage = async ({ data }) => postMessage(await trainAll(start, threadSupport, data));
