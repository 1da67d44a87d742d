import { storage } from './storage.js';

const dark = matchMedia('(prefers-color-scheme: dark)');
const listeners: (() => void)[] = [];

/** A colour or other variable of style.css, as it is now. */
export const cssVariable = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Calls when the colours have changed. */
export function onTheme(listener: () => void): void {
  listeners.push(listener);
}

/** The system's theme, until the button chooses the other one. */
export function followTheme(button: HTMLButtonElement): void {
  const root = document.documentElement;
  const chosen = () => storage.get('theme');
  const apply = (theme: string) => {
    root.dataset.theme = theme;
    button.setAttribute('aria-label', theme === 'dark' ? 'Switch to light' : 'Switch to dark');
    for (const listener of listeners) listener();
  };
  const system = () => (dark.matches ? 'dark' : 'light');
  dark.addEventListener('change', () => {
    if (!chosen()) apply(system());
  });
  button.addEventListener('click', () => {
    const theme = root.dataset.theme === 'dark' ? 'light' : 'dark';
    storage.set('theme', theme);
    apply(theme);
  });
  apply(chosen() ?? system());
}
