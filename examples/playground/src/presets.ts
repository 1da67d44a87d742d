import batchNorm from '../models/batch-norm.ts?raw';
import direct from '../models/direct.ts?raw';
import layerNorm from '../models/layer-norm.ts?raw';
import plain from '../models/plain.ts?raw';

/** Models to begin with, and the learning rate that suits each. */
export const PRESETS = [
  { id: 'plain', label: 'Bengio et al. 2003', source: plain, rate: 0.1 },
  { id: 'batch-norm', label: 'with batch norm', source: batchNorm, rate: 0.1 },
  { id: 'layer-norm', label: 'layer norm and Adam', source: layerNorm, rate: 0.003 },
  { id: 'direct', label: 'direct connections', source: direct, rate: 0.1 },
] as const;
