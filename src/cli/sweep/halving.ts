/** One round of successive halving: so many configurations, each trained for so many steps. */
export interface Round {
  readonly count: number;
  readonly steps: number;
}

/**
 * Successive halving (Jamieson and Talwalkar, Non-stochastic best arm identification, AISTATS 2016): all configurations get few
 * steps, the best of them `eta` times as many, and so on, up to all steps for one or a few. Each round takes about as long as
 * any other. Budgets are whole numbers of at least one step, so that there are fewer rounds where steps are few.
 */
export function halvingRounds(count: number, steps: number, eta: number): Round[] {
  const limit = Math.floor(logOf(Math.min(count, Math.max(1, steps)), eta));
  return Array.from({ length: limit + 1 }, (_, k) => ({
    count: Math.max(1, Math.floor(count / eta ** k)),
    steps: Math.round(steps / eta ** (limit - k)),
  }));
}

/** The logarithm, which is whole where it is nearly so. */
const logOf = (x: number, base: number) => Math.log(x) / Math.log(base) + 1e-9;
