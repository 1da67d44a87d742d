/**
 * Pictures and pages, for Node: `import { lineChart } from '2headgrad/report'`.
 *
 * @module 2headgrad/report
 */

export { smooth } from '../smooth.js';
export { type ConfusionChart, confusionChart } from './confusion.js';
export { diagnosticsSections } from './diagnostics.js';
export { dotToSvg } from './graphviz.js';
export { type HeatMap, heatMap } from './heat-map.js';
export { type Bins, bin, type Distribution, type Histogram, histogram } from './histogram.js';
export { filterImages, type ImageGrid, imageGrid } from './image-grid.js';
export { type LabelMap, labelMap } from './label-map.js';
export { type Guide, type LineChart, lineChart, type Series } from './lines.js';
export { type LossCurve, lossCurve } from './loss-curve.js';
export { type Report, reportPage, type Section } from './page.js';
export { type RateCurve, rateCurve } from './rate-curve.js';
export type { Point } from './thin.js';
export { valueGraph } from './value-graph.js';
