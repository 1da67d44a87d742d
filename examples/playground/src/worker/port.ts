import type { CompilerCalls, Reply, Service } from '../protocol.js';

let port: MessagePort | null = null;
let asked = 0;
const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();

interface Answer {
  answer: number;
  value?: unknown;
  error?: string;
}
interface Request {
  id: number;
  call: string;
  input: unknown;
}

/** Waits for the port to the page, which comes with the first message, and gives what comes by it to `serve`. */
export function listen(serve: (request: Request) => void): void {
  addEventListener(
    'message',
    ({ ports }) => {
      [port] = ports;
      port.onmessage = ({ data }: MessageEvent<Request | Answer>) => {
        if ('answer' in data) take(data);
        else serve(data);
      };
    },
    { once: true },
  );
}

export function say(reply: Reply): void {
  port?.postMessage(reply);
}

/** Has the page do what this worker cannot. */
export function ask<K extends Service>(
  what: K,
  input: Parameters<CompilerCalls[K]>[0],
): Promise<ReturnType<CompilerCalls[K]>> {
  const id = ++asked;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
    say({ ask: what, id, input });
  });
}

function take({ answer, value, error }: Answer): void {
  const { resolve, reject } = waiting.get(answer)!;
  waiting.delete(answer);
  if (error === undefined) resolve(value);
  else reject(new Error(error));
}
