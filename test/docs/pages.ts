import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import MarkdownIt from 'markdown-it';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const DOCS = join(ROOT, 'docs');

/** A page of docs/: its program, which is all blocks of TypeScript in their order, and the lines that it is said to print. */
export interface Page {
  readonly path: string;
  readonly text: string;
  readonly program: string;
  readonly prints: readonly string[];
}

const markdown = new MarkdownIt({ html: true });

export function pagesOf(folder = DOCS): Page[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return pagesOf(path);
    return entry.name.endsWith('.md') ? [pageOf(path)] : [];
  });
}

function pageOf(path: string): Page {
  const text = readFileSync(path, 'utf8');
  const fences = markdown.parse(text, {}).filter(({ type }) => type === 'fence');
  const of = (language: string) =>
    fences.filter(({ info }) => info.trim() === language).map(({ content }) => content);
  return {
    path: relative(DOCS, path),
    text,
    program: of('ts').join('\n'),
    prints: of('text').flatMap((block) => block.trimEnd().split('\n')),
  };
}

/** Addresses of links and pictures in a text, those in HTML too. */
export function linksOf({ text }: { readonly text: string }): string[] {
  return markdown.parse(text, {}).flatMap((block) =>
    [block, ...(block.children ?? [])].flatMap((token) => {
      if (/^html_/.test(token.type))
        return [...token.content.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, to]) => to);
      const to = token.attrGet('href') ?? token.attrGet('src');
      return to ? [to] : [];
    }),
  );
}

/** What links to its headings end with, as GitHub makes it of their words. */
export function anchorsOf(text: string): string[] {
  const tokens = markdown.parse(text, {});
  const headings = tokens.flatMap(({ type }, i) => (type === 'heading_open' ? [tokens[i + 1].content] : []));
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
