import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { cssVariable, onTheme } from './theme.js';

/** Points that a chart keeps; beyond, every second of the older ones goes. */
const MOST_POINTS = 4000;

export interface SeriesOptions {
  label: string;
  /** A colour variable of style.css. */
  colour: string;
  /** Join over places where this series has no value. */
  sparse?: boolean;
}

export interface ChartOptions {
  series: SeriesOptions[];
  logX?: boolean;
  /** How a value on an axis is written. */
  x?(value: number): string;
  y?(value: number): string;
  fromZero?: boolean;
  /** What the x axis counts, as hovering says it; by default steps. */
  name?: string;
  /** How a value is written where one hovers; by default as on the axis. */
  exact?(value: number): string;
}

/** A line chart that grows while one looks, redrawn at most once a frame, in the colours of the theme. */
export class Chart {
  private data: (number | null)[][];
  private plot: uPlot;
  private waiting = false;
  private reference: number | null = null;
  /** What is said where one hovers. */
  private readonly tip = document.createElement('div');

  constructor(
    private readonly parent: HTMLElement,
    private readonly options: ChartOptions,
  ) {
    this.data = this.empty();
    this.parent.classList.add('empty');
    this.tip.className = 'tip';
    this.tip.setAttribute('role', 'status');
    // Beside the plot, which is an image to those who hear the page.
    parent.after(this.tip);
    this.tip.hidden = true;
    this.plot = this.make();
    this.readWithKeys();
    onTheme(() => {
      this.plot.destroy();
      this.plot = this.make();
    });
    new ResizeObserver(() => this.plot.setSize(this.size())).observe(parent);
  }

  add(x: number, ...values: (number | undefined)[]): void {
    this.data[0].push(x);
    this.parent.classList.remove('empty');
    for (const [i, value] of values.entries()) this.data[i + 1].push(value ?? null);
    if (this.data[0].length > MOST_POINTS) this.thin();
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.plot.setData(this.data as uPlot.AlignedData);
    });
  }

  clear(): void {
    this.parent.classList.add('empty');
    this.data = this.empty();
    this.plot.setData(this.data as uPlot.AlignedData);
  }

  /** What hovering calls a line from now on. */
  rename(series: number, label: string): void {
    this.options.series[series].label = label;
  }

  /** Draws a dashed line at this height. */
  setReference(value: number | null): void {
    this.reference = value;
    this.plot.redraw();
  }

  private empty(): (number | null)[][] {
    return [[], ...this.options.series.map(() => [])];
  }

  /** Points that only a sparse series has are kept. */
  private thin(): void {
    const kept = this.data[0].map(
      (_, i) => i % 2 === 0 || this.data.slice(2).some((column) => column[i] !== null),
    );
    this.data = this.data.map((column) => column.filter((_, i) => kept[i]));
  }

  private size() {
    return { width: Math.max(50, this.parent.clientWidth), height: this.parent.clientHeight };
  }

  /** The arrow keys walk over the points of a chart that has the focus. */
  private readWithKeys(): void {
    this.parent.tabIndex = 0;
    this.parent.addEventListener('blur', () => this.point(null));
    this.parent.addEventListener('keydown', (event) => {
      const last = this.data[0].length - 1;
      const at = this.plot.cursor.idx ?? last;
      const stride = Math.max(1, Math.round(last / 50));
      const to = { ArrowLeft: at - stride, ArrowRight: at + stride, Home: 0, End: last, Escape: null }[
        event.key
      ];
      if (to === undefined || last < 0) return;
      event.preventDefault();
      this.point(to === null ? null : Math.min(last, Math.max(0, to)));
    });
  }

  private point(index: number | null): void {
    const left = index === null ? -10 : this.plot.valToPos(this.data[0][index] as number, 'x');
    this.plot.setCursor({ left, top: index === null ? -10 : 1 });
  }

  /** The values under the cursor; of a sparse series, the last one before it. */
  private tell(plot: uPlot): void {
    const { idx, left = -1 } = plot.cursor;
    this.tip.hidden = idx === null || idx === undefined || left < 0;
    if (this.tip.hidden) return;
    const { series, x, y = short, exact = y, name = 'step' } = this.options;
    const at = this.data[0][idx!] as number;
    const values = series.flatMap(({ label, sparse }, i) => {
      const value = lastValue(this.data[i + 1], idx!, sparse);
      return value === null ? [] : [`${label} ${exact(value)}`];
    });
    this.tip.textContent = [`${name} ${x ? x(at) : Math.round(at).toLocaleString('en-US')}`, ...values].join(
      ' · ',
    );
    this.tip.classList.toggle('left', left > plot.over.clientWidth / 2);
  }

  private drawReference(plot: uPlot): void {
    if (this.reference === null) return;
    const { left, width } = plot.bbox;
    const y = plot.valToPos(this.reference, 'y', true);
    plot.ctx.save();
    plot.ctx.strokeStyle = cssVariable('--quiet');
    plot.ctx.lineWidth = devicePixelRatio;
    plot.ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    plot.ctx.beginPath();
    plot.ctx.moveTo(left, y);
    plot.ctx.lineTo(left + width, y);
    plot.ctx.stroke();
    plot.ctx.restore();
  }

  private make(): uPlot {
    const { series, logX, x = short, y = short, fromZero } = this.options;
    const axis = (write: (value: number) => string, size: uPlot.Axis['size']): uPlot.Axis => ({
      stroke: cssVariable('--quiet'),
      grid: { stroke: cssVariable('--grid'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, "Liberation Sans", sans-serif',
      size,
      gap: 4,
      values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : write(tick))),
    });
    return new uPlot(
      {
        ...this.size(),
        padding: [8, 10, 0, 0],
        cursor: { y: false, points: { size: 6 } },
        legend: { show: false },
        scales: {
          x: { time: false, distr: logX ? 3 : 1 },
          y: { range: (_, low, high) => range(low, high, fromZero, this.reference) },
        },
        axes: [axis(x, 24), axis(y, (_, values) => widthOf(values))],
        hooks: { setCursor: [(plot) => this.tell(plot)], draw: [(plot) => this.drawReference(plot)] },
        series: [
          {},
          ...series.map(({ label, colour, sparse }) => ({
            label,
            stroke: cssVariable(colour),
            width: sparse ? 2.2 : 1.6,
            spanGaps: true,
            points: { show: false },
          })),
        ],
      },
      this.data as uPlot.AlignedData,
      this.parent,
    );
  }
}

function lastValue(column: readonly (number | null)[], index: number, sparse = false): number | null {
  let at = index;
  while (sparse && at > 0 && column[at] === null) at--;
  return column[at] ?? null;
}

/** Room for the longest of these labels. */
function widthOf(labels: readonly string[] | null): number {
  const longest = Math.max(0, ...(labels ?? []).map((label) => label.length));
  return Math.max(44, 14 + 6.5 * longest);
}

/** A little room above and below; a flat line stands in the middle. The reference is in sight. */
function range(
  low: number,
  high: number,
  fromZero = false,
  reference: number | null = null,
): [number, number] {
  if (low === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const [from, to] = reference === null ? [low, high] : [Math.min(low, reference), Math.max(high, reference)];
  const room = (to - from) * 0.08 || Math.abs(to) * 0.1 || 1;
  return [fromZero ? 0 : from - room, to + room];
}

/** 1500 as 1.5k. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 1e-4)) return value.toExponential(1);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e3) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}
