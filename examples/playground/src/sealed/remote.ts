import type { Trouble } from '../protocol.js';

/** An error of the user's model or data, told by a worker. */
export class WorkerError extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble.message);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: any functions of at most one argument.
type Functions<C> = { [K in keyof C]: (input: any) => unknown };

/** Functions of another side as functions that one can wait for. */
export class Remote<C extends Functions<C>> {
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private calls = 0;
  private ended: string | null = null;

  constructor(private readonly send: (message: { id: number; call: keyof C; input: unknown }) => void) {}

  call<K extends keyof C>(call: K, input?: Parameters<C[K]>[0]): Promise<ReturnType<C[K]>> {
    if (this.ended !== null) return Promise.reject(new WorkerError({ message: this.ended }));
    const id = ++this.calls;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.send({ id, call, input });
    });
  }

  take(reply: { id: number; value: unknown } | { id: number; trouble: Trouble }): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('trouble' in reply) waiting?.reject(new WorkerError(troubleOf(reply.trouble)));
    else waiting?.resolve(reply.value);
  }

  /** Nobody answers any more. */
  end(message: string): void {
    this.ended = message;
    this.failAll(message);
  }

  failAll(message: string): void {
    for (const { reject } of this.waiting.values()) reject(new WorkerError({ message }));
    this.waiting.clear();
  }
}

const LONGEST_MESSAGE = 4000;

/** Text of a stranger that may be shown: no longer than one can read. */
export function clip(text: unknown, most: number): string {
  const all = String(text);
  return all.length > most ? `${all.slice(0, most)} …` : all;
}

/** What a worker says of an error, as it may be shown. */
export function troubleOf({ message, line, column }: Trouble): Trouble {
  const place = (n: unknown) => (Number.isInteger(n) && (n as number) > 0 ? (n as number) : undefined);
  return { message: clip(message, LONGEST_MESSAGE), line: place(line), column: place(column) };
}
