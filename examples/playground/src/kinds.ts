import { digits, element } from './dom.js';
import { KINDS, type Kind, type Progress, type Started } from './protocol.js';

/** How the training of a kind of model is told. */
export interface Telling {
  /** What the loss is called, and by what it is divided for that. */
  loss: string;
  unit: number;
  /** What the second line of the chart and the tile beside the loss are called. */
  unseen: string;
  tile: string;
  /** What stands in that tile, if there is something new. */
  tileText(progress: Progress): string | undefined;
  /** The small chart beside that of speed, if there is one: in percent. */
  share: {
    title(started: Started): string;
    label: string;
    of(progress: Progress): number | undefined;
  } | null;
}

const ofLoss =
  (unit: number) =>
  ({ devLoss }: Progress) =>
    devLoss === undefined ? undefined : digits(devLoss / unit);

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

export const TELLING: Record<Kind, Telling> = {
  words: {
    ...{ loss: 'Loss', unit: 1, unseen: 'unseen words', tile: 'Unseen words', tileText: ofLoss(1) },
    share: {
      title: ({ hasTanh }) =>
        hasTanh ? 'tanh beyond ±0.97, percent' : 'This model has no tanh that could saturate',
      label: 'percent',
      of: ({ shown }) => shown?.saturation,
    },
  },
  text: {
    ...{ loss: 'Bits a character', unit: Math.LN2, unseen: 'unseen text', tile: 'Unseen text' },
    tileText: ofLoss(Math.LN2),
    share: null,
  },
  digits: {
    ...{ loss: 'Loss', unit: 1, unseen: 'held-out digits', tile: 'Held-out right' },
    tileText: ({ shown }) => (shown?.accuracy === undefined ? undefined : percent(shown.accuracy)),
    share: {
      title: () => 'Held-out digits right, percent',
      label: 'percent right',
      of: ({ shown }) => shown?.accuracy,
    },
  },
};

/** Shows of a part of the page what belongs to a kind of model, and hides what belongs to others. */
export function showKind(part: string, kind: Kind): void {
  for (const other of KINDS)
    for (const found of element(part).querySelectorAll<HTMLElement>(`[data-of~="${other}"]`))
      found.hidden = !found.dataset.of?.split(' ').includes(kind);
}
