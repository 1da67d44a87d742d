// In workerd, which has neither files nor threads: the manifest and the module come by imports. Its clock stands still
// while it computes.
import { start } from './compiled/model.js';
import manifest from './compiled/model.json';
import wasm from './compiled/model.plain.wasm';
import { train } from './train.js';

export default {
  async fetch() {
    try {
      const result = await train(start, { manifest, wasm: { 'model.plain.wasm': wasm } }, false);
      return Response.json({ results: [result], notes: [] });
    } catch (error) {
      return Response.json({ results: [], notes: [`${error.name}: ${error.message}`] });
    }
  },
};
