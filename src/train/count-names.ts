// What outputs of the entry `evaluate` are called that say how much counts in a batch, where that is not its rows.

/** How much a term of a value counts. */
export const countName = (name: string, term: number) => `counted.${term}.${name}`;
/** The term itself, where the value has several. */
export const termName = (name: string, term: number) => `term.${term}.${name}`;

/** Whether an output is one of these. */
export const isOfCounts = (name: string): boolean => /^(counted|term)\.\d+\./.test(name);

/** The terms that the outputs of an entry have for a value: where each is, and what says how much of it counts. */
export function termsIn(
  name: string,
  outputs: ReadonlySet<string>,
): { value: string; count: string | null }[] {
  const countOf = (i: number) => (outputs.has(countName(name, i)) ? countName(name, i) : null);
  if (!outputs.has(termName(name, 0))) return [{ value: name, count: countOf(0) }];
  const terms: { value: string; count: string | null }[] = [];
  for (let i = 0; outputs.has(termName(name, i)); i++)
    terms.push({ value: termName(name, i), count: countOf(i) });
  return terms;
}
