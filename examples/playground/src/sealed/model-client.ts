import { frame, modelCode } from 'virtual:sealed';
import type { CompilerClient } from '../compiler-client.js';
import {
  type FinderReport,
  type ModelCalls,
  type Progress,
  type Reply,
  SERVICES,
  type Trouble,
} from '../protocol.js';
import { clip, Remote, troubleOf } from './remote.js';
import { shownOf } from './shown.js';

export interface Listeners {
  progress?(progress: Progress): void;
  finder?(report: FinderReport): void;
  stopped?(trouble: Trouble): void;
  printed?(line: string): void;
}

/** Of what a program prints. */
const LONGEST_LINE = 2000;

let code: Promise<string> | null = null;

/** The text of the worker, which the page loads: the frame cannot. */
function loadCode(): Promise<string> {
  code ??= fetch(new URL(modelCode, document.baseURI)).then((response) => {
    if (!response.ok) throw new Error(`${modelCode} could not be loaded (${response.status})`);
    return response.text();
  });
  code.catch(() => {
    code = null;
  });
  return code;
}

/**
 * A model's worker, in a frame of its own (frame.ts). What it sends is a stranger's: it is read as numbers and clipped
 * text. It asks the page for what it cannot do itself.
 */
export class ModelClient {
  private readonly frame = document.createElement('iframe');
  private readonly channel = new MessageChannel();
  private readonly remote = new Remote<ModelCalls>((message) => this.channel.port1.postMessage(message));
  listeners: Listeners = {};

  constructor(private readonly compiler: () => CompilerClient) {
    const { port1, port2 } = this.channel;
    const failures = new MessageChannel();
    port1.onmessage = ({ data }: MessageEvent<Reply>) => this.take(data);
    failures.port1.onmessage = ({ data }) =>
      this.remote.failAll(clip(data || 'the model could not be loaded', 4000));
    this.frame.setAttribute('sandbox', 'allow-scripts');
    this.frame.allow = 'cross-origin-isolated';
    this.frame.hidden = true;
    this.frame.title = 'The model';
    this.frame.srcdoc = frame;
    const loaded = new Promise((resolve) => this.frame.addEventListener('load', resolve, { once: true }));
    document.body.append(this.frame);
    Promise.all([loadCode(), loaded])
      .then(([text]) => this.frame.contentWindow?.postMessage(text, '*', [port2, failures.port2]))
      .catch((error: Error) => this.remote.end(error.message));
  }

  call<K extends keyof ModelCalls>(
    call: K,
    input?: Parameters<ModelCalls[K]>[0],
  ): Promise<ReturnType<ModelCalls[K]>> {
    return this.remote.call(call, input);
  }

  /** Ends the worker and every worker that it started, whatever they do. */
  end(): void {
    this.frame.remove();
    this.channel.port1.close();
    this.remote.end('it was stopped');
  }

  private take(reply: Reply): void {
    if ('ask' in reply) void this.answer(reply);
    else if (!('event' in reply)) this.remote.take(reply);
    else if (reply.event === 'progress') this.listeners.progress?.(progressOf(reply.progress));
    else if (reply.event === 'finder') this.listeners.finder?.(finderOf(reply.report));
    else if (reply.event === 'printed') this.listeners.printed?.(clip(reply.line, LONGEST_LINE));
    else this.listeners.stopped?.(troubleOf(reply.trouble));
  }

  private async answer({ ask, id, input }: Extract<Reply, { ask: unknown }>): Promise<void> {
    const { port1 } = this.channel;
    try {
      if (!SERVICES.includes(ask)) throw new Error(`a model cannot ask for ${clip(ask, 40)}`);
      port1.postMessage({ answer: id, value: await this.compiler().call(ask, input as never) });
    } catch (error) {
      port1.postMessage({ answer: id, error: (error as Error).message });
    }
  }
}

const optional = (value: unknown) => (value === undefined ? undefined : Number(value));

function progressOf({ at, loss, stepsPerSecond, devLoss, shown }: Progress): Progress {
  return {
    at: Number(at),
    loss: Number(loss),
    stepsPerSecond: Number(stepsPerSecond),
    devLoss: optional(devLoss),
    shown: shown && shownOf(shown),
  };
}

function finderOf({ probes, point }: FinderReport): FinderReport {
  if (!point) return { probes: Number(probes) };
  const { rate, loss, at, steps } = point;
  return {
    probes: Number(probes),
    point: { rate: Number(rate), loss: Number(loss), at: Number(at), steps: Number(steps) },
  };
}
