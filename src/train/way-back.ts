import { DivergedError, GradError } from '../errors.js';
import type { VariableDescription } from './description.js';
import type { Engine, Numbers } from './engine.js';
import { brokenVariables } from './finite.js';

const SNAPSHOT_MS = 1000;

/** The variables of a session as they were at a step. */
export interface Snapshot {
  readonly at: number;
  readonly time: number;
  /** As they lie in memory. */
  readonly values: ReadonlyMap<string, Numbers>;
}

/** The session whose way it is. */
interface Traveller {
  /** Steps taken so far, and the loss of the last. */
  place(): { at: number; loss: number | null };
  goTo(at: number): void;
}

/** The way back from numbers that are not finite: to a step that was sound, at most a second ago. */
export class WayBack {
  private kept: Snapshot | null = null;
  /** Whether single steps were taken since that. */
  private stepped = false;

  constructor(
    private readonly variables: readonly VariableDescription[],
    private readonly engine: Engine,
    private readonly session: Traveller,
  ) {}

  /** The variables as they are before single steps, if what is kept of them is too old. */
  beforeStep(): Snapshot | null {
    const due = !this.kept || performance.now() - this.kept.time > SNAPSHOT_MS;
    return due ? this.sound() : null;
  }

  /** The same before many steps: if they diverge, single ones before them stay. */
  beforeMany(): Snapshot | null {
    const candidate = this.stepped ? this.sound() : this.beforeStep();
    this.stepped = false;
    return candidate;
  }

  afterStep(): void {
    this.stepped = true;
  }

  /** Keeps what was taken before steps if the first loss after it is finite, and goes back if the last is not. */
  keepOrGoBack(candidate: Snapshot | null, first: number, last: number, steps: number): void {
    if (candidate && (Number.isFinite(first) || !this.kept)) this.kept = candidate;
    if (Number.isFinite(last)) return;
    const step = this.session.place().at + steps;
    const good = this.kept!;
    this.goTo(good);
    throw new DivergedError(step, last, good.at);
  }

  keep(candidate: Snapshot | null): void {
    this.kept = candidate ?? this.kept;
  }

  /** Of variables that were changed from outside: going back to before that would undo it. */
  forget(): void {
    this.kept = null;
  }

  /**
   * Goes back if a gradient that was not finite has come into the variables, which the loss need not show: a row of a
   * table that no batch reads any more. Looked at where a run ends, before a checkpoint, and once a second.
   */
  check(): void {
    // As they lie first: that is quick, and columns which fill up panels are looked at besides.
    if (brokenVariables(this.variables, (name) => this.engine.lying(name)).length === 0) return;
    const broken = brokenVariables(this.variables, (name) => this.engine.read(name));
    if (broken.length === 0) return;
    const { at, loss } = this.session.place();
    const { kept } = this;
    if (!kept)
      throw new GradError(
        `${broken.join(', ')} hold Infinity or NaN, and no earlier step is known: load a checkpoint`,
      );
    this.goTo(kept);
    throw new DivergedError(at, loss ?? Number.NaN, kept.at, broken);
  }

  /** Remembers all of this, and the variables; what it returns puts them back. */
  mark(): () => void {
    const { kept, stepped } = this;
    const before = this.snapshot();
    return () => {
      this.goTo(before);
      Object.assign(this, { kept, stepped });
    };
  }

  private sound(): Snapshot {
    this.check();
    return this.snapshot();
  }

  private snapshot(): Snapshot {
    const values = this.variables.map((v) => [v.name, this.engine.lying(v.name).slice()] as const);
    return { at: this.session.place().at, time: performance.now(), values: new Map(values) };
  }

  private goTo({ at, values }: Snapshot): void {
    for (const [name, elements] of values) this.engine.putBack(name, elements);
    this.session.goTo(at);
  }
}
