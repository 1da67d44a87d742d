/// <reference lib="esnext.disposable" preserve="true" />

/**
 * `Symbol.asyncDispose`, or what compilers of `await using` put in its place where an engine has none, as WebKit. Our own
 * code asks `closing` instead, since what tsc makes of `await using` throws there.
 */
export const ASYNC_DISPOSE: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

interface Closable {
  close(): Promise<void>;
}

/** Runs `run`, and closes what that has given to `use` when it ends, the last first; an error of `run` comes first. */
export async function closing<T>(
  run: (use: <S extends Closable>(resource: S) => S) => Promise<T>,
): Promise<T> {
  const open: Closable[] = [];
  const closeAll = async () => {
    for (let next = open.pop(); next; next = open.pop()) await next.close();
  };
  let result: T;
  try {
    result = await run((resource) => {
      open.push(resource);
      return resource;
    });
  } catch (error) {
    await closeAll().catch(() => {});
    throw error;
  }
  await closeAll();
  return result;
}
