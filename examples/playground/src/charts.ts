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
}

/** A line chart that grows while one looks, redrawn at most once a frame, in the colours of the theme. */
export class Chart {
  private data: (number | null)[][];
  private plot: uPlot;
  private waiting = false;

  constructor(
    private readonly parent: HTMLElement,
    private readonly options: ChartOptions,
  ) {
    this.data = this.empty();
    this.parent.classList.add('empty');
    this.plot = this.make();
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

  get points(): number {
    return this.data[0].length;
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

  private make(): uPlot {
    const { series, logX, x = short, y = short, fromZero } = this.options;
    const axis = (write: (value: number) => string, size: number): uPlot.Axis => ({
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
          y: { range: (_, low, high) => range(low, high, fromZero) },
        },
        axes: [axis(x, 24), axis(y, 44)],
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

/** A little room above and below; a flat line stands in the middle. */
function range(low: number, high: number, fromZero = false): [number, number] {
  if (low === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [fromZero ? 0 : low - room, high + room];
}

/** 1500 as 1.5k. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e3) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}
