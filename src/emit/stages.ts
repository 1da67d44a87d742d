/** What of a compilation can be shown as text. Imports nothing, so that a command line can name them at no cost. */
export const STAGES = ['graph', 'schedule', 'loops', 'memory', 'assemblyscript', 'wat'] as const;
export type Stage = (typeof STAGES)[number];
