import { count, element } from './dom.js';
import { checkLength } from './limits.js';

/** The list of words: the names that came with the page, or the user's own, which stay here. */
export class Words {
  private readonly area = element<HTMLTextAreaElement>('words');
  private names = '';
  private own: string | null = null;

  constructor(
    /** With the user's own words, or null for the names. */
    private readonly changed: (own: string | null) => void,
    private readonly fail: (message: string) => void,
  ) {
    element('words-use').addEventListener('click', () => this.use(this.area.value));
    element('words-default').addEventListener('click', () => this.use(null));
    const file = element<HTMLInputElement>('words-file');
    file.addEventListener('change', async () => {
      const [chosen] = file.files ?? [];
      file.value = '';
      if (chosen) await this.open(chosen);
    });
  }

  /** What is in use; the text area may hold something that is not yet. */
  get current(): string {
    return this.own ?? this.names;
  }

  /** Fetches the names; with words of the user, these are in use. */
  async load(own: string | null): Promise<void> {
    if (own !== null && !checkLength(own.length)) this.show(own);
    const response = await fetch('names.txt');
    if (!response.ok)
      throw new Error(`the names could not be loaded (${response.status}); give words of your own`);
    this.names = await response.text();
    if (this.own === null) this.show(null);
  }

  reset(): void {
    this.show(null);
  }

  /** Its size is looked at first: a list that is too long must not stop the tab. */
  private async open(file: File): Promise<void> {
    const long = checkLength(file.size);
    if (long) {
      this.fail(`${file.name} ${long}`);
      return;
    }
    try {
      this.use(new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer()));
    } catch {
      this.fail(`${file.name} is not UTF-8 text: give a text file with one word a line`);
    }
  }

  private use(own: string | null): void {
    const wrong = own !== null && wrongWith(own);
    if (wrong) {
      this.fail(wrong);
      return;
    }
    this.show(own);
    this.changed(own);
  }

  private show(own: string | null): void {
    this.own = own;
    this.area.value = this.current;
    const words = this.current.split(/\r\n?|\n/).filter((line) => line.trim()).length;
    element('words-said').textContent =
      own === null ? `${count(words)} English first names` : `${count(words)} of your own`;
  }
}

function wrongWith(text: string): string | null {
  const long = checkLength(text.length);
  if (long) return `the word list ${long}`;
  return text.trim() ? null : 'the word list is empty: give one word a line';
}
