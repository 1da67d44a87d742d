/**
 * What of a compilation can be shown as text. Imports nothing, so that a command line can name them at no cost.
 * @example
 * ```ts
 * import { STAGES } from '2headgrad';
 * console.log(STAGES.join(' ')); // graph schedule loops memory assemblyscript wat
 * ```
 */
export const STAGES = ['graph', 'schedule', 'loops', 'memory', 'assemblyscript', 'wat'] as const;
export type Stage = (typeof STAGES)[number];
