import type { CompilerCalls, Reply } from './protocol.js';
import { Remote } from './sealed/remote.js';

/** The worker that has AssemblyScript and Graphviz. */
export class CompilerClient {
  private readonly worker = new Worker(new URL('./worker/compiler.ts', import.meta.url), { type: 'module' });
  private readonly remote = new Remote<CompilerCalls>((message) => this.worker.postMessage(message));

  constructor() {
    this.worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if ('id' in data && !('ask' in data)) this.remote.take(data);
    };
    this.worker.onerror = ({ message }) => this.remote.failAll(message || 'the compiler could not be loaded');
  }

  call<K extends keyof CompilerCalls>(
    call: K,
    input: Parameters<CompilerCalls[K]>[0],
  ): Promise<ReturnType<CompilerCalls[K]>> {
    return this.remote.call(call, input);
  }

  end(): void {
    this.worker.terminate();
    this.remote.end('it was stopped');
  }
}
