export {
  type DifferenceMethod,
  type DifferenceOptions,
  derivative,
  partialDerivative,
  type StepError,
  type StepErrorOptions,
  stepErrors,
} from './difference.js';
export {
  type GradOptions,
  grad,
  type ScalarFunction,
  valueAndGrad,
} from './grad.js';
