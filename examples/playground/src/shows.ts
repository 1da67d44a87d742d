import { AttentionView } from './attention-view.js';
import { DigitsView } from './digits-view.js';
import { element } from './dom.js';
import { showKind } from './kinds.js';
import type { Digits, Kind, Project, Shown, Started, Wish } from './protocol.js';
import { showSamples } from './samples-view.js';
import { WritingView } from './writing-view.js';

/** What a model in training shows of itself: words, a text and its attention, or what it takes a digit for. */
export class Shows {
  private readonly writing: WritingView;
  private readonly attention: AttentionView;
  private readonly digits: DigitsView;
  /** One question at a time; what changes meanwhile is asked for after it. */
  private asking = false;
  private again = false;

  constructor(
    /** Has the model in use show this; null if there is none. */
    private readonly ask: (wish: Wish) => Promise<Shown | null>,
    loadDigits: () => Promise<Digits>,
    private readonly guarded: (act: () => Promise<void>) => Promise<void>,
  ) {
    const changed = () => void this.changed();
    this.writing = new WritingView(changed);
    this.attention = new AttentionView(changed);
    this.digits = new DigitsView(loadDigits, changed, guarded);
  }

  get wish(): Wish {
    return { ...this.writing.wish, ...this.attention.wish, ...this.digits.wish };
  }

  /** Shows the parts of a kind, before there is a model. */
  prepare(kind: Kind): void {
    showKind('train', kind);
    element('attention').hidden = kind !== 'text';
  }

  /** Begins anew, for a model that starts. */
  start({ kind, data }: Project, started: Started): void {
    this.prepare(kind);
    showSamples({ samples: [] });
    const text = kind === 'text' ? String(data) : '';
    this.writing.start(started, text);
    this.attention.start(started, text);
    this.digits.start(typeof data === 'string' ? null : data);
    // Words are made up once something is learnt.
    if (kind !== 'words') void this.changed();
  }

  show(shown: Shown): void {
    showSamples(shown);
    this.writing.show(shown);
    this.attention.show(shown);
    this.digits.show(shown);
  }

  private async changed(): Promise<void> {
    this.again = true;
    if (this.asking) return;
    this.asking = true;
    await this.guarded(async () => {
      while (this.again) {
        this.again = false;
        const shown = await this.ask(this.wish);
        if (shown) this.show(shown);
      }
    });
    this.asking = false;
  }
}
