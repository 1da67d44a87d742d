import { element } from './dom.js';
import { HeadMap, visible } from './head-map.js';
import type { Shown, Started } from './protocol.js';
import { suggest } from './suggest.js';
import { onTheme } from './theme.js';

type Maps = NonNullable<Shown['maps']>;

/** What the characters of a line look at: a map for each head of a layer, and the line with one character's look. */
export class AttentionView {
  private readonly line = element<HTMLInputElement>('line');
  private readonly layer = element<HTMLSelectElement>('layer');
  private readonly head = element<HTMLSelectElement>('head');
  private readonly said = element('line-said');
  private readonly heads: HeadMap[] = [];
  private maps: Maps | null = null;
  /** The character whose look is told, from the end of the line, so that it stays with a line that grows. */
  private fromEnd = 0;

  constructor(changed: () => void) {
    this.line.addEventListener('input', () => {
      if (this.line.value === '') this.clear('Write a line to look at.');
      changed();
    });
    for (const choice of [this.layer, this.head]) choice.addEventListener('change', () => this.draw());
    new ResizeObserver(() => this.draw()).observe(element('maps'));
    onTheme(() => this.draw());
  }

  get wish(): { line: string } {
    return { line: this.line.value };
  }

  start({ looks }: Started, text: string): void {
    this.line.maxLength = looks || 128;
    suggest(this.line, text, looks);
    this.clear(looks ? '' : 'This model has no entry “attention”, by which it could be looked at.');
  }

  private clear(said: string): void {
    this.maps = null;
    this.heads.length = 0;
    element('maps').replaceChildren();
    element('looked').textContent = '';
    element('looked-said').textContent = said;
    this.tell('');
  }

  show({ maps, mapsTrouble }: Shown): void {
    if (mapsTrouble !== undefined) this.tell(mapsTrouble);
    if (!maps || this.line.value === '') return;
    this.tell('');
    this.maps = maps;
    number(this.layer, maps.layers);
    number(this.head, maps.heads, ['all']);
    this.draw();
  }

  private tell(trouble: string): void {
    this.said.textContent = trouble;
    this.said.hidden = trouble === '';
    this.line.setAttribute('aria-invalid', String(trouble !== ''));
  }

  /** The heads that are chosen, with what they look at, [n, n] each. */
  private chosen({ layers, heads, characters, weights }: Maps): { head: number; map: Float32Array }[] {
    const layer = Math.min(Number(this.layer.value), layers) - 1;
    const size = characters.length ** 2;
    const all = Array.from({ length: heads }, (_, head) => {
      const at = (layer * heads + head) * size;
      return { head, map: weights.subarray(at, at + size) };
    });
    return this.head.value === 'all' ? all : all.filter(({ head }) => head + 1 === Number(this.head.value));
  }

  private draw(): void {
    const { maps } = this;
    if (!maps) return;
    const chosen = this.chosen(maps);
    const place = element('maps');
    while (this.heads.length > chosen.length) this.heads.pop();
    while (this.heads.length < chosen.length)
      this.heads.push(
        new HeadMap((row) => {
          this.fromEnd = (this.maps?.characters.length ?? 1) - 1 - row;
          this.draw();
        }),
      );
    if (place.childElementCount !== chosen.length)
      place.replaceChildren(...this.heads.map(({ figure }) => figure));
    place.classList.toggle('one', chosen.length === 1);
    const { characters } = maps;
    const row = Math.max(0, characters.length - 1 - this.fromEnd);
    this.heads.forEach((map, i) => {
      map.draw({ name: `head ${chosen[i].head + 1}`, characters, map: chosen[i].map, row });
    });
    this.tellRow(characters, row, chosen);
  }

  /** The line, each character as strong as this one looks at it, on the average of the chosen heads. */
  private tellRow(characters: string[], row: number, chosen: { map: Float32Array }[]): void {
    const n = characters.length;
    const looks = characters.map(
      (_, i) => chosen.reduce((sum, { map }) => sum + map[row * n + i], 0) / Math.max(1, chosen.length),
    );
    const spans = characters.map((character, i) => {
      const span = document.createElement('span');
      span.textContent = visible(character);
      span.style.setProperty('--look', `${Math.round(100 * Math.sqrt(looks[i]))}%`);
      if (i === row) span.className = 'here';
      else if (i > row) span.className = 'later';
      return span;
    });
    element('looked').replaceChildren(...spans);
    const most = looks
      .map((look, i) => ({ look, i }))
      .sort((a, b) => b.look - a.look)
      .slice(0, 3)
      .filter(({ look }) => look >= 0.005)
      .map(({ look, i }) => `“${visible(characters[i])}” at place ${i + 1}, ${Math.round(100 * look)} %`);
    const who = this.head.value === 'all' ? 'the heads of this layer look' : 'this head looks';
    element('looked-said').textContent =
      `From “${visible(characters[row])}” at place ${row + 1} ${who} most at ${most.join('; ')}.`;
  }
}

/** Choices from 1 to n after some others; what was chosen stays if it is there. */
function number(select: HTMLSelectElement, n: number, before: readonly string[] = []): void {
  if (select.options.length === n + before.length) return;
  const chosen = select.value;
  const all = [...before, ...Array.from({ length: n }, (_, i) => String(i + 1))];
  select.replaceChildren(...all.map((label) => new Option(label)));
  if (all.includes(chosen)) select.value = chosen;
}
