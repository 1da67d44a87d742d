import { element } from './dom.js';
import type { Shown, Started } from './protocol.js';
import { suggest } from './suggest.js';

/** A prompt, and how the model in training goes on from it. */
export class WritingView {
  private readonly prompt = element<HTMLInputElement>('prompt');
  private readonly temperature = element<HTMLInputElement>('temperature');
  private readonly said = element('writing-said');
  private readonly place = element('writing');

  constructor(changed: () => void) {
    this.prompt.addEventListener('input', changed);
    this.temperature.addEventListener('input', () => {
      this.showTemperature();
      changed();
    });
    this.showTemperature();
  }

  get wish(): { prompt: string; temperature: number } {
    return { prompt: this.prompt.value, temperature: Number(this.temperature.value) };
  }

  start({ writes }: Started, text: string): void {
    suggest(this.prompt, text, 24);
    this.place.classList.add('empty');
    this.place.textContent = writes
      ? 'It goes on from your words here as it learns.'
      : 'This model has no entry “generate”, by which it could go on from a text.';
    this.tell('');
  }

  show({ writing, writingTrouble }: Shown): void {
    if (writingTrouble !== undefined) this.tell(writingTrouble);
    if (writing === undefined) return;
    this.tell('');
    const given = document.createElement('b');
    given.textContent = this.prompt.value;
    this.place.classList.remove('empty');
    this.place.replaceChildren(given, writing);
  }

  private tell(trouble: string): void {
    this.said.textContent = trouble;
    this.said.hidden = trouble === '';
    this.prompt.setAttribute('aria-invalid', String(trouble !== ''));
  }

  private showTemperature(): void {
    element('temperature-said').textContent = Number(this.temperature.value).toFixed(1);
    this.temperature.setAttribute('aria-valuetext', this.temperature.value);
  }
}
