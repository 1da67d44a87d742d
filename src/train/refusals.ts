import { DataError, OptionError } from '../errors.js';

// Why a session does not do what it is asked for now.

export function goingOn(what: string, busy: 'run' | 'trial' | null): OptionError {
  const [going, mend] =
    busy === 'run' ? ['a run of', 'await it, or leave its loop,'] : ['a search on', 'await it'];
  return new OptionError(`${what}: ${going} this session is going on: ${mend} first`);
}

/** Of results of a run that nobody waited for. */
export function notBegun(what: string): OptionError {
  return new OptionError(
    `${what}: a run was made and not begun: write await session.run(...), or iterate over it`,
  );
}

export function noDataset(): OptionError {
  return new OptionError('there is no dataset: call session.data({ ... }) first, or give step a batch');
}

export function tooFewRows(rows: number, batch: number): DataError {
  return new DataError(
    `data: ${rows} rows are fewer than a batch of ${batch}: give more, or make the batch smaller`,
  );
}
