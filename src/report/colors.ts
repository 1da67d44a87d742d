// The colors of all pictures.

export const INK = '#1f2933';
export const QUIET = '#5b6673';
/** Colors of series that stand side by side, told apart by color-blind people too. */
export const SERIES = ['#1d5fa8', '#c4501b', '#1b9e8f', '#7a3fa0', '#8a6d3b', '#5b6673'] as const;

/** From white, for a share of 0, to a color. */
export function tint(share: number, color: string): string {
  const parts = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  const mixed = parts.map((part) => Math.round(255 + share * (part - 255)));
  return `#${mixed.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** The color and the share that `tint` made this one of, if it was one of these colors. */
export function untint(mixed: string, colors: readonly string[]): { color: string; share: number } | null {
  const channels = (hex: string) => [1, 3, 5].map((at) => 255 - Number.parseInt(hex.slice(at, at + 2), 16));
  const parts = channels(mixed);
  for (const color of colors) {
    const full = channels(color);
    const share = parts.reduce((a, b) => a + b, 0) / full.reduce((a, b) => a + b, 0);
    if (full.every((part, i) => Math.abs(share * part - parts[i]) <= 1.5)) return { color, share };
  }
  return null;
}

/** How thick the lines of a legend are that stand for areas. */
export const AREAS = { square: 8, bar: 9 } as const;
