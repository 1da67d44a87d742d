import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState, type Extension } from '@codemirror/state';
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Trouble } from './protocol.js';

// Colours are variables of style.css, so that light and dark need no other theme.
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--code-number)' },
  { tag: tags.comment, color: 'var(--code-comment)', fontStyle: 'italic' },
  { tag: [tags.typeName, tags.className, tags.function(tags.variableName)], color: 'var(--code-type)' },
]);

const look = EditorView.theme({
  '&': { fontSize: 'var(--code-size)', backgroundColor: 'transparent', color: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
    lineHeight: '1.55',
  },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--code-comment)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--accent) 6%, transparent)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 28%, transparent)',
  },
  '.cm-matchingBracket': { backgroundColor: 'color-mix(in srgb, var(--accent) 20%, transparent)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--card)',
    color: 'var(--ink)',
    border: '1px solid var(--line)',
    borderRadius: '8px',
    maxWidth: '32rem',
  },
});

/** What is left of a long line stands further in than where the line began. */
const hangingIndent = EditorView.decorations.compute(['doc'], ({ doc }) => {
  const lines = Array.from({ length: doc.lines }, (_, i) => {
    const { from, text } = doc.line(i + 1);
    const columns = text.length - text.trimStart().length + 2;
    const style = `text-indent:-${columns}ch;padding-left:calc(${columns}ch + 6px)`;
    return Decoration.line({ attributes: { style } }).range(from);
  });
  return Decoration.set(lines);
});

const common: Extension[] = [
  lineNumbers(),
  javascript({ typescript: true }),
  syntaxHighlighting(colours),
  look,
  EditorState.tabSize.of(2),
];

/** An editor of the model's source. Tab moves on, so that the keyboard gets out again. */
export function sourceEditor(parent: HTMLElement, compile: () => void, edited: () => void): EditorView {
  const run = () => {
    compile();
    return true;
  };
  return new EditorView({
    parent,
    extensions: [
      keymap.of([{ key: 'Mod-Enter', run }, ...defaultKeymap, ...historyKeymap]),
      history(),
      drawSelection(),
      highlightActiveLine(),
      bracketMatching(),
      indentUnit.of('  '),
      lintGutter(),
      EditorView.lineWrapping,
      hangingIndent,
      EditorView.contentAttributes.of({ 'aria-label': 'Source of the model' }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) edited();
      }),
      ...common,
    ],
  });
}

/** Shows a text that cannot be changed. */
export function sourceView(parent: HTMLElement): EditorView {
  return new EditorView({
    parent,
    extensions: [
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({
        'aria-label': 'AssemblyScript',
        'aria-readonly': 'true',
        id: 'view-source-content',
      }),
      ...common,
    ],
  });
}

export function setText(view: EditorView, text: string): void {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}

/** Marks the line of an error, and goes there; nothing if the error has no line. */
export function showTrouble(view: EditorView, trouble: Trouble | null): void {
  const { doc } = view.state;
  if (!trouble?.line || trouble.line > doc.lines) {
    view.dispatch(setDiagnostics(view.state, []));
    return;
  }
  const line = doc.line(trouble.line);
  const indent = line.text.length - line.text.trimStart().length;
  const from = Math.min(line.from + Math.max(indent, (trouble.column ?? 1) - 1), line.to);
  const mark = { from, to: line.to, severity: 'error', message: trouble.message } as const;
  view.dispatch(setDiagnostics(view.state, [mark]), {
    effects: EditorView.scrollIntoView(from, { y: 'center' }),
  });
}
