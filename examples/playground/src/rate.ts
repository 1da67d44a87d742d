import { element } from './dom.js';

/** The learning rate: a number, and a slider over its logarithm. */
export class Rate {
  private readonly input = element<HTMLInputElement>('rate');
  private readonly range = element<HTMLInputElement>('rate-range');

  constructor(private readonly changed: (rate: number) => void) {
    this.input.addEventListener('input', () => this.take(this.value, this.input));
    this.range.addEventListener('input', () => this.take(10 ** Number(this.range.value), this.range));
  }

  get value(): number {
    return Number(this.input.value);
  }

  set(value: number): void {
    this.take(value);
  }

  private take(value: number, from?: HTMLInputElement): void {
    if (from !== this.input) this.input.value = String(Number(value.toPrecision(3)));
    if (from !== this.range && value > 0) this.range.value = String(Math.log10(value));
    this.range.setAttribute('aria-valuetext', this.input.value);
    const isRate = this.input.value !== '' && Number.isFinite(value) && value >= 0;
    this.input.setCustomValidity(isRate ? '' : 'a number from 0');
    this.input.reportValidity();
    if (isRate) this.changed(value);
  }
}
