/** A routine that has to wait for others now and then: it yields where whoever runs it may do something else meanwhile. */
export type Waiting<T> = Generator<void, T, void>;

/** What moves bytes between the processes of a training, and knows nothing of what they are. */
export interface Transport {
  /** Which of them this is, from 0, and how many there are. */
  readonly rank: number;
  readonly size: number;
  /**
   * Sends bytes to a partner, receives bytes from it, or both at once. The partner receives as many bytes as are sent, of the same
   * channel. Looks and yields again and again as long as that is not done, however long it takes; several may be on their way at once.
   */
  exchange(
    partner: number,
    send: Uint8Array | null,
    receive: Uint8Array | null,
    channel: number,
  ): Waiting<void>;
  /** Called after so many looks that found nothing done, by whoever has nothing else to do; says whether others should have a turn. */
  rest(looks: number): boolean;
  /** Says good-bye: nothing is sent any more. */
  close(): void;
}

/** Runs a routine to its end without letting anything else have a turn. */
export function atOnce<T>(routine: Waiting<T>): T {
  for (;;) {
    const { done, value } = routine.next();
    if (done) return value;
  }
}

/** Runs a routine to its end; wherever it waits, `pause` lets others have their turn. */
export async function inTurns<T>(routine: Waiting<T>, pause: () => Promise<void>): Promise<T> {
  for (;;) {
    const { done, value } = routine.next();
    if (done) return value;
    await pause();
  }
}
