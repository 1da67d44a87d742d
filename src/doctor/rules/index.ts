import type { Rule } from '../finding.js';
import { deadUnits, saturated } from './activations.js';
import { batchOfOne } from './batch-of-one.js';
import { boundedLogits } from './bounded-logits.js';
import { broadcast } from './broadcast.js';
import { cancelledBias } from './cancelled-bias.js';
import { initialLoss } from './initial-loss.js';
import { learningRate } from './learning-rate.js';
import { protection } from './protection.js';
import { symmetricInit } from './symmetric-init.js';
import { unusedTokens } from './tokens.js';
import { unreached } from './unreached.js';
import { variance } from './variance.js';

/** All that the doctor looks for, in the order in which it tells: first what keeps a model from learning at all. */
export const RULES: readonly Rule[] = [
  unreached,
  batchOfOne,
  broadcast,
  symmetricInit,
  cancelledBias,
  boundedLogits,
  protection,
  initialLoss,
  saturated,
  deadUnits,
  variance,
  learningRate,
  unusedTokens,
];
