import * as Plot from '@observablehq/plot';
import { drawChart, FONT_SIZE } from './chart.js';
import { AREAS, SERIES } from './colors.js';

/** A buffer on the map: bytes from an address, alive from one kernel to another. */
export interface MappedBuffer {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
  /** Whether it took its bytes over from another buffer. */
  readonly over: string | null;
}

/** The color of buffers that have bytes of their own, and of those that took them over. */
const [OWN, TAKEN] = SERIES;
const LABELLED = 0.055;

/** Who holds which bytes of an arena while which kernel runs: one rectangle a buffer. */
export function memoryMap(title: string, buffers: readonly MappedBuffer[]): string {
  const base = Math.min(...buffers.map((b) => b.address));
  const top = Math.max(...buffers.map((b) => b.address + b.bytes)) - base;
  const last = Math.max(...buffers.map((b) => b.to)) + 1;
  const [unit, scale] = top < 8192 ? ['bytes', 1] : top < 8 * 2 ** 20 ? ['KiB', 1024] : ['MiB', 2 ** 20];
  // During the kernel that takes bytes over, both hold them; the map shows who has them afterwards.
  const taken = new Map(buffers.filter((b) => b.over !== null).map((b) => [b.over, b.from]));
  const rows = buffers.map((b) => ({
    name: b.name,
    x1: b.from,
    x2: taken.get(b.name) ?? b.to + 1,
    y1: (b.address - base) / scale,
    y2: (b.address - base + b.bytes) / scale,
    fill: b.over === null ? OWN : TAKEN,
  }));
  // Names where they fit: a letter is some 8 of the 548 pixels wide.
  const named = rows.filter(
    (r) => r.y2 - r.y1 >= (LABELLED * top) / scale && r.name.length * 8 < (548 * (r.x2 - r.x1)) / last,
  );
  const step = Math.max(1, Math.ceil(last / 16));
  return drawChart({
    title,
    axis: `place in the arena, ${unit}`,
    legend: [
      { label: 'bytes of its own', stroke: OWN, width: AREAS.bar },
      { label: "took over another buffer's bytes", stroke: TAKEN, width: AREAS.bar },
    ],
    x: {
      label: 'kernel, in running order',
      domain: [0, last],
      ticks: Array.from({ length: Math.ceil(last / step) }, (_, i) => i * step) as unknown as number,
      tickFormat: String,
    },
    y: { domain: [0, top / scale] },
    marginLeft: 66,
    marks: [
      Plot.rect(rows, {
        x1: 'x1',
        x2: 'x2',
        y1: 'y1',
        y2: 'y2',
        fill: 'fill',
        fillOpacity: 0.82,
        stroke: 'white',
        strokeWidth: 1,
      }),
      Plot.text(named, {
        x: (r) => (r.x1 + r.x2) / 2,
        y: (r) => (r.y1 + r.y2) / 2,
        text: 'name',
        fill: 'white',
        fontSize: FONT_SIZE - 2,
      }),
    ],
  });
}
