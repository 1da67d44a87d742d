import { DIGITS_FILE, unpackDigits } from './digits-file.js';
import { count, element } from './dom.js';
import { GivenText } from './given-text.js';
import type { Digits, Kind } from './protocol.js';

/** What models learn from here, for each kind of them. */
export class LearnsFrom {
  private readonly words: GivenText;
  private readonly text: GivenText;
  private digits: Digits | null = null;
  private loading: Promise<Digits> | null = null;

  constructor(
    /** With what the user gives, or null for what came with the page. */
    changed: (kind: 'words' | 'text', own: string | null) => void,
    fail: (message: string) => void,
  ) {
    this.words = new GivenText({
      ...{ id: 'words', file: 'names.txt', name: 'the names', fail },
      ...{ what: 'the word list', how: ' with one word a line' },
      said(text, own) {
        const words = text.split(/\r\n?|\n/).filter((line) => line.trim()).length;
        return own ? `${count(words)} of your own` : `${count(words)} English first names`;
      },
      changed: (own) => changed('words', own),
    });
    this.text = new GivenText({
      ...{ id: 'text', file: 'speeches.txt', name: 'the speeches', fail },
      ...{ what: 'the text', how: '' },
      said: (text, own) =>
        own ? `${count(text.length)} characters of your own` : `${count(text.length)} characters of Lincoln`,
      changed: (own) => changed('text', own),
    });
  }

  /** Null before it is loaded. */
  current(kind: Kind): string | Digits | null {
    return kind === 'digits' ? this.digits : this[kind].current || null;
  }

  keep(own: { words?: string | null; text?: string | null }): void {
    this.words.keep(own.words ?? null);
    this.text.keep(own.text ?? null);
  }

  async load(kind: Kind): Promise<string | Digits> {
    if (kind === 'digits') return this.loadDigits();
    await this[kind].load();
    return this[kind].current;
  }

  reset(): void {
    this.words.reset();
    this.text.reset();
  }

  async loadDigits(): Promise<Digits> {
    this.loading ??= fetchDigits().catch((error) => {
      this.loading = null;
      throw error;
    });
    this.digits = await this.loading;
    const { labels, heldOut } = this.digits;
    element('digits-said').textContent =
      `${count(labels.length - heldOut)} to train on, ${count(heldOut)} held out`;
    return this.digits;
  }
}

/** Gzipped in the file, so that it is small on every host. */
async function fetchDigits(): Promise<Digits> {
  const response = await fetch(DIGITS_FILE);
  if (!response.ok || !response.body) throw new Error(`the digits could not be loaded (${response.status})`);
  const bytes = response.body.pipeThrough(new DecompressionStream('gzip'));
  return unpackDigits(new Uint8Array(await new Response(bytes).arrayBuffer()));
}
