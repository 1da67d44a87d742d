import type { EditorView } from '@codemirror/view';
import type { CompilerClient } from './compiler-client.js';
import { bytes, count, element } from './dom.js';
import { setText, sourceView } from './editor.js';
import type { Compiled, EntryViews } from './protocol.js';
import { drawingOf } from './svg.js';

/** A graph of more is drawn when it is asked for. */
const MANY_NODES = 400;

/** The stages of the compiler side by side, for the entry that is chosen. */
export class Inside {
  private readonly entry = element<HTMLSelectElement>('entry');
  private readonly graph = element('view-graph');
  private source: EditorView | null = null;
  private compiled: Compiled | null = null;
  /** Of the drawing as Graphviz made it, in points. */
  private graphWidth = 0;

  constructor(private readonly compiler: () => CompilerClient) {
    this.entry.addEventListener('change', () => this.showEntry());
    new ResizeObserver(() => this.fit()).observe(this.graph);
    // What scrolls can be reached with the keyboard.
    for (const id of ['view-graph', 'view-schedule', 'view-memory']) element(id).tabIndex = 0;
  }

  show(compiled: Compiled): void {
    this.compiled = compiled;
    for (const id of ['stages', 'entry-label']) element(id).hidden = false;
    const before = this.entry.value;
    this.entry.replaceChildren(...Object.keys(compiled.entries).map((name) => new Option(name, name)));
    this.entry.disabled = false;
    if (before in compiled.entries) this.entry.value = before;
    element('view-memory').textContent = compiled.memory;
    // Not before it can be seen: the editor measures its lines.
    this.source ??= sourceView(element('view-source'));
    setText(this.source, compiled.assemblyScript);
    this.showEntry();
  }

  private showEntry(): void {
    const { compiled } = this;
    const view = compiled?.entries[this.entry.value];
    if (!compiled || !view) return;
    element('view-schedule').textContent = view.schedule;
    const lines = count(compiled.assemblyScript.split('\n').length);
    element('inside-said').textContent =
      `${view.kernels} kernels for this entry; ${lines} lines of AssemblyScript for all, ${bytes(compiled.wasmBytes)} of WebAssembly.`;
    if (Number(view.nodes) > MANY_NODES) this.offer(compiled, view);
    else this.draw(compiled, view);
  }

  /** A large graph keeps the compiler busy for seconds, so it is drawn only if somebody wants to see it. */
  private offer(compiled: Compiled, view: EntryViews): void {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'offer';
    button.textContent = `Draw its ${count(Number(view.nodes))} nodes, which takes some seconds`;
    button.addEventListener('click', () => this.draw(compiled, view));
    this.graph.replaceChildren(button);
  }

  private draw(compiled: Compiled, view: EntryViews): void {
    this.graph.textContent = 'Drawing …';
    this.compiler()
      .call('draw', view.dot)
      .then((svg) => {
        if (compiled === this.compiled && view === compiled.entries[this.entry.value]) this.drawn(svg);
      })
      .catch((error: Error) => {
        this.graph.textContent = `The graph cannot be drawn: ${error.message}`;
      });
  }

  private drawn(svg: string): void {
    const drawing = drawingOf(svg);
    drawing.setAttribute('role', 'img');
    drawing.setAttribute('aria-label', `Graph of ${this.entry.value}`);
    this.graphWidth = Number.parseFloat(drawing.getAttribute('width') ?? '');
    drawing.removeAttribute('height');
    this.graph.replaceChildren(drawing);
    this.fit();
  }

  /** As wide as the pane, as long as its text stays readable; where it is wider, the node at the top comes into view. */
  private fit(): void {
    const drawing = this.graph.querySelector('svg');
    if (!drawing || !this.graphWidth) return;
    const fitting = Math.max(this.graph.clientWidth - 24, 0.7 * this.graphWidth);
    drawing.setAttribute('width', `${Math.round(Math.min(fitting, 1.15 * this.graphWidth))}`);
    const nodes = [...drawing.querySelectorAll('g.node')].map((node) => node.getBoundingClientRect());
    const top = nodes.reduce((a, b) => (b.top < a.top ? b : a), nodes[0]);
    const pane = this.graph.getBoundingClientRect();
    this.graph.scrollLeft += top.left + top.width / 2 - (pane.left + pane.width / 2);
  }
}
