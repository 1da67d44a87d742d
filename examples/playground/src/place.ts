import { element } from './dom.js';
import type { Started, Threads } from './protocol.js';

/** How many threads the model has, how many it could have, and which it shall have. */
export class Place {
  private readonly select = element<HTMLSelectElement>('threads');
  private wanted: Threads = 'auto';

  constructor(changed: (threads: Threads) => void) {
    this.select.addEventListener('change', () => {
      this.wanted = this.select.value === 'auto' ? 'auto' : Number(this.select.value);
      changed(this.wanted);
    });
  }

  get threads(): Threads {
    return this.wanted;
  }

  set threads(threads: Threads) {
    this.wanted = threads;
    this.choose();
  }

  /** Before a model is compiled nobody knows what suits it. */
  support({ most, reason }: { most: number; reason: string | null }): void {
    this.options(most, 'auto');
    this.say(most === 1 ? '1 thread' : `up to ${most} threads`, [
      reason ? `One thread: ${reason}.${help()}` : `This page can use up to ${most} threads.`,
      'How many a model gets by itself is chosen when it is compiled, by what a step of it costs.',
    ]);
  }

  started({ threads, most, reason, auto }: Started): void {
    this.options(most, `auto (${auto.threads})`);
    this.say(threads === 1 ? '1 thread' : `${threads} threads`, [
      reason ? `One thread: ${reason}.${help()}` : `This page can use up to ${most} threads.`,
      reason ? '' : `By itself this model gets ${auto.threads}: ${auto.why}.`,
    ]);
  }

  private options(most: number, auto: string): void {
    this.select.replaceChildren(
      new Option(auto, 'auto'),
      ...Array.from({ length: most }, (_, i) => new Option(String(i + 1), String(i + 1))),
    );
    this.choose();
  }

  /** A choice that is not offered here, such as one that was kept, stays what it is. */
  private choose(): void {
    const wanted = String(this.wanted);
    if (![...this.select.options].some(({ value }) => value === wanted))
      this.select.add(new Option(wanted, wanted));
    this.select.value = wanted;
  }

  private say(threads: string, why: string[]): void {
    element('threads-said').textContent = `${threads} · ${crossOriginIsolated ? 'isolated' : 'not isolated'}`;
    document.querySelector<HTMLElement>('.dot')!.dataset.state = crossOriginIsolated ? 'good' : 'warn';
    const text = [...why, 'The results are the same with any number of threads.'];
    element('place-why').textContent = text.filter(Boolean).join(' ');
  }
}

const help = () =>
  crossOriginIsolated
    ? ''
    : ' On a host without such settings a service worker of this page adds the headers, where the browser allows it.';
