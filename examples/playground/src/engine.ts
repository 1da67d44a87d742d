// What the playground takes from the package beyond its public face, in one place.
export { compileAhead, PACKAGE_TEXT } from '../../../dist/aot/compile.js';
export { contexts, split } from '../../../dist/data/dataset.js';
export { Vocabulary } from '../../../dist/data/vocabulary.js';
export { sha256 } from '../../../dist/digest.js';
export { type AscOptions, type Library, runAsc } from '../../../dist/emit/asc.js';
export type { CompiledModule } from '../../../dist/emit/compile.js';
export { graphToDot } from '../../../dist/graph/dot.js';
export { evaluateGraph } from '../../../dist/graph/evaluate.js';
export { type Graph, inputAttrs } from '../../../dist/graph/graph.js';
export { printMemory } from '../../../dist/plan/print.js';
export { RandomStream, STREAMS } from '../../../dist/random/philox.js';
export { dotToSvg } from '../../../dist/report/graphviz.js';
export { pageHelper } from '../../../dist/run/helper.js';
export type { Platform } from '../../../dist/run/platform.js';
export { type AnyTrainStep, TrainStep } from '../../../dist/run/train-step.js';
export { moduleCache, readLibrary } from '../../../dist/run/web.js';
export { costOf } from '../../../dist/schedule/cost.js';
export { printSchedule } from '../../../dist/schedule/print.js';
