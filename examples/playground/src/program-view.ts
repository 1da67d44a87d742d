import type { CompilerClient } from './compiler-client.js';
import { element } from './dom.js';
import { ModelClient } from './sealed/model-client.js';

/** Of what a program prints; more would be slow to show. */
const MOST_LINES = 1000;

/** A program in the editor, which came with a link, in place of a model: it is run when its button is pressed, and says what it prints. */
export class ProgramView {
  shown = false;
  private running: ModelClient | null = null;
  private readonly button = element<HTMLButtonElement>('run');
  private readonly printed = element('printed');

  constructor(
    private readonly compiler: () => CompilerClient,
    private readonly source: () => string,
    private readonly guarded: (act: () => Promise<void>) => Promise<void>,
  ) {
    this.button.addEventListener('click', () => this.run());
  }

  /** What trains and looks inside of models is of no use to a program. */
  show(is: boolean): void {
    this.shown = is;
    element('program').hidden = !is;
    for (const id of ['model-foot', 'train', 'inside']) element(id).hidden = is;
    if (is) for (const part of document.querySelectorAll<HTMLElement>('#model .given')) part.hidden = true;
    if (is) this.say('This program came with a link. Nothing of it has run.');
    else this.stop();
    this.printed.replaceChildren();
  }

  run(): void {
    if (this.running) this.stop();
    else void this.guarded(() => this.runNow());
  }

  private async runNow(): Promise<void> {
    const client = new ModelClient(this.compiler);
    this.running = client;
    this.button.textContent = 'Stop';
    this.printed.replaceChildren();
    this.say('Running; the compiler loads where it is needed …');
    let lines = 0;
    client.listeners = {
      printed: (line) => {
        lines++;
        if (lines <= MOST_LINES) this.printed.append(`${line}\n`);
        else if (lines === MOST_LINES + 1) this.printed.append('…\n');
      },
    };
    try {
      await client.call('run', { source: this.source() });
      this.say('It has ended.');
    } catch (error) {
      this.say(this.running === client ? 'It ended with an error.' : 'It was stopped.');
      if (this.running === client) throw error;
    } finally {
      client.end();
      if (this.running === client) this.running = null;
      if (!this.running) this.button.textContent = 'Run';
    }
  }

  private stop(): void {
    const { running } = this;
    this.running = null;
    running?.end();
  }

  private say(text: string): void {
    element('program-said').textContent = text;
  }
}
