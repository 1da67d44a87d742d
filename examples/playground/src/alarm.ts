import type { EditorView } from '@codemirror/view';
import { element } from './dom.js';
import { showTrouble } from './editor.js';
import type { Trouble } from './protocol.js';
import { troubleOf, WorkerError } from './sealed/remote.js';

/** Tells what went wrong at the top of the window, wherever one has scrolled to; a line of the source is marked too. */
export class Alarm {
  private readonly box = element('alert');

  constructor(private readonly editor: () => EditorView) {}

  show(trouble: Trouble | null): void {
    this.box.hidden = !trouble;
    showTrouble(this.editor(), trouble);
    if (!trouble) {
      this.box.replaceChildren();
      return;
    }
    const text = document.createElement('span');
    text.className = 'message';
    text.textContent = trouble.message;
    const close = document.createElement('button');
    close.type = 'button';
    close.textContent = 'Dismiss';
    close.addEventListener('click', () => this.show(null));
    this.box.replaceChildren(text, close);
  }

  /** Runs what a button asks for; what goes wrong is shown. */
  async guarded(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.show(
        error instanceof WorkerError
          ? error.trouble
          : troubleOf({ message: String((error as Error).message ?? error) }),
      );
    }
  }
}
