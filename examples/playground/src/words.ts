import { count, element } from './dom.js';

/** The list of words: the names that came with the page, or the user's own, which stay here. */
export class Words {
  private readonly area = element<HTMLTextAreaElement>('words');
  private names = '';
  /** What is in use; the text area may hold something that is not yet. */
  current = '';

  constructor(
    private readonly changed: () => void,
    private readonly fail: (message: string) => void,
  ) {
    element('words-use').addEventListener('click', () => this.use(this.area.value));
    element('words-default').addEventListener('click', () => this.use(this.names, true));
    const file = element<HTMLInputElement>('words-file');
    file.addEventListener('change', async () => {
      const [chosen] = file.files ?? [];
      file.value = '';
      if (chosen) await this.open(chosen);
    });
  }

  async load(): Promise<void> {
    const response = await fetch('names.txt');
    if (!response.ok)
      throw new Error(`the names could not be loaded (${response.status}); give words of your own`);
    this.names = await response.text();
    this.show(this.names);
  }

  private async open(file: File): Promise<void> {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
      this.use(text);
    } catch {
      this.fail(`${file.name} is not UTF-8 text: give a text file with one word a line`);
    }
  }

  private use(text: string, isDefault = false): void {
    if (!text.trim()) {
      this.fail('the word list is empty: give one word a line');
      return;
    }
    this.show(text, !isDefault);
    this.changed();
  }

  private show(text: string, own = false): void {
    this.current = text;
    this.area.value = text;
    const words = text.split(/\r\n?|\n/).filter((line) => line.trim()).length;
    element('words-said').textContent = own
      ? `${count(words)} of your own`
      : `${count(words)} English first names`;
  }
}
