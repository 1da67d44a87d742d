import { element } from './dom.js';
import { checkLength } from './limits.js';

export interface GivenOptions {
  /** What its elements in index.html are called: `words`, `words-use`, `words-file`, `words-default`, `words-said`. */
  id: string;
  /** The file that comes with the page, and what it is to be called. */
  file: string;
  name: string;
  /** What the user gives, as errors call it, and how to give it. */
  what: string;
  how: string;
  /** What is in use, in a few words. */
  said(text: string, own: boolean): string;
  /** With the user's own, or null for what came with the page. */
  changed(own: string | null): void;
  fail(message: string): void;
}

/** A text to learn from: the one that came with the page, or the user's own, which stays here. */
export class GivenText {
  private readonly area: HTMLTextAreaElement;
  private loaded: Promise<void> | null = null;
  private standard = '';
  private own: string | null = null;

  constructor(private readonly options: GivenOptions) {
    const { id } = options;
    this.area = element<HTMLTextAreaElement>(id);
    element(`${id}-use`).addEventListener('click', () => this.use(this.area.value));
    element(`${id}-default`).addEventListener('click', () => this.use(null));
    const file = element<HTMLInputElement>(`${id}-file`);
    file.addEventListener('change', async () => {
      const [chosen] = file.files ?? [];
      file.value = '';
      if (chosen) await this.open(chosen);
    });
  }

  /** What is in use; the text area may hold something that is not yet. */
  get current(): string {
    return this.own ?? this.standard;
  }

  /** Takes the user's own of an earlier visit into use. */
  keep(own: string | null): void {
    if (own !== null && !checkLength(own.length)) this.show(own);
  }

  /** Fetches what comes with the page, once. */
  load(): Promise<void> {
    this.loaded ??= this.fetch().catch((error) => {
      this.loaded = null;
      throw error;
    });
    return this.loaded;
  }

  reset(): void {
    this.show(null);
  }

  private async fetch(): Promise<void> {
    const { file, name, what } = this.options;
    const response = await fetch(file);
    if (!response.ok)
      throw new Error(`${name} could not be loaded (${response.status}); give ${what} of your own`);
    this.standard = await response.text();
    if (this.own === null) this.show(null);
  }

  /** Its size is looked at first: what is too long must not stop the tab. */
  private async open(file: File): Promise<void> {
    const { fail, how } = this.options;
    const long = checkLength(file.size);
    if (long) {
      fail(`${file.name} ${long}`);
      return;
    }
    try {
      this.use(new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer()));
    } catch {
      fail(`${file.name} is not UTF-8 text: give a text file${how}`);
    }
  }

  private use(own: string | null): void {
    const wrong = own !== null && this.wrongWith(own);
    if (wrong) {
      this.options.fail(wrong);
      return;
    }
    this.show(own);
    this.options.changed(own);
  }

  private show(own: string | null): void {
    const { id, said } = this.options;
    this.own = own;
    this.area.value = this.current;
    const text = this.current;
    element(`${id}-said`).textContent = text ? said(text, own !== null) : '…';
  }

  private wrongWith(text: string): string | null {
    const { what, how } = this.options;
    const long = checkLength(text.length);
    if (long) return `${what} ${long}`;
    return text.trim() ? null : `${what} is empty: give it${how}`;
  }
}
