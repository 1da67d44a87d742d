/** What an engine made of the model. */
export interface Outcome {
  readonly engine: string;
  readonly version?: string;
  readonly results: readonly Result[];
  /** Why there are not more results. */
  readonly notes: readonly string[];
  /** It is not there: what installs it. */
  readonly missing?: string;
}

export interface Result {
  readonly threads: number;
  /** Of all losses and variables. */
  readonly hash: string;
  /** Steps a second; null where the engine's clock stands still meanwhile. */
  readonly speed: number | null;
}

const TITLES = ['engine', 'version', 'threads', 'hash', 'steps/s'];

/** All results as a Markdown table. */
export function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap(({ engine, version = '', results }) =>
    results.map(({ threads, hash, speed }) => [
      engine,
      version,
      String(threads),
      hash,
      speed === null ? '' : Number(speed.toPrecision(3)).toLocaleString('en-US'),
    ]),
  );
  const lines = [TITLES, TITLES.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

export interface Verdict {
  /** In lines: what is missing, why results are, and whether all hashes are one. */
  readonly text: string;
  readonly code: 0 | 1;
}

/** All engines that are there have to give one hash; at least one has to be there. */
export function verdict(outcomes: readonly Outcome[]): Verdict {
  const notes = outcomes.flatMap(({ engine, missing, notes }) => [
    ...(missing ? [`${engine} is missing: ${missing}`] : []),
    ...notes.map((note) => `${engine}: ${note}`),
  ]);
  const hashes = new Map<string, Set<string>>();
  for (const { engine, results } of outcomes) {
    for (const { hash } of results) hashes.set(hash, (hashes.get(hash) ?? new Set()).add(engine));
  }
  const failed = outcomes.filter(({ missing, results }) => !missing && results.length === 0);
  const lines = [...notes, ...failed.map(({ engine }) => `${engine} gave no result.`)];
  if (hashes.size > 1) {
    lines.push('The engines differ:');
    for (const [hash, engines] of hashes) lines.push(`  ${hash}  ${[...engines].join(', ')}`);
  } else if (hashes.size === 1) lines.push(`All results have the hash ${[...hashes.keys()][0]}.`);
  else lines.push('No engine gave a result.');
  return { text: lines.join('\n'), code: hashes.size === 1 && failed.length === 0 ? 0 : 1 };
}
