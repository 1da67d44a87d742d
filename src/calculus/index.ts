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
  type Argument,
  type Derivatives,
  type GradOptions,
  grad,
  type Like,
  type ScalarFunction,
  type ValueOf,
  valueAndGrad,
} from './grad.js';
