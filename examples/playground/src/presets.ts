import batchNorm from '../models/batch-norm.ts?raw';
import direct from '../models/direct.ts?raw';
import gpt from '../models/gpt.ts?raw';
import layerNorm from '../models/layer-norm.ts?raw';
import lenet from '../models/lenet.ts?raw';
import plain from '../models/plain.ts?raw';
import type { Kind } from './protocol.js';

interface Preset {
  id: string;
  label: string;
  /** What it learns from. */
  kind: Kind;
  source: string;
  /** The learning rate that suits it. */
  rate: number;
}

/** Models to begin with. */
export const PRESETS: readonly [Preset, ...Preset[]] = [
  { id: 'plain', label: 'Bengio et al. 2003', kind: 'words', source: plain, rate: 0.1 },
  { id: 'batch-norm', label: 'with batch norm', kind: 'words', source: batchNorm, rate: 0.1 },
  { id: 'layer-norm', label: 'layer norm and Adam', kind: 'words', source: layerNorm, rate: 0.003 },
  { id: 'direct', label: 'direct connections', kind: 'words', source: direct, rate: 0.1 },
  { id: 'gpt', label: 'a small GPT', kind: 'text', source: gpt, rate: 0.003 },
  { id: 'lenet', label: 'LeNet-5', kind: 'digits', source: lenet, rate: 0.001 },
];
