import type { Artifact } from '../aot/compile.js';
import { graphToDot } from '../graph/dot.js';
import type { Remade } from '../kernels/kernel.js';
import { dotToSvg } from '../report/graphviz.js';
import { memoryMap } from '../report/memory-map.js';
import { reportPage, type Section } from '../report/page.js';
import { tableHtml } from '../report/table.js';
import { valueLabel } from '../schedule/print.js';
import { formatType, numel } from '../shape.js';
import { type FileSize, shippedBytes } from './compile.js';
import { count } from './output.js';

/** A page about a compiled model: its files, graph, schedule and memory. The same model gives the same page. */
export async function compileReport(
  { manifest, modules }: Artifact,
  sizes: readonly FileSize[],
): Promise<string> {
  const [module] = modules;
  const entries = Object.entries(module.plan.entries);
  const parameters = manifest.variables.filter((v) => v.role === 'parameter');
  const sections: Section[] = [
    { heading: 'Files', html: tableHtml(['file', 'bytes', 'gzipped'], sizes.map(sizeRow)) },
    {
      heading: 'Entry points',
      html: tableHtml(
        ['entry', 'takes', 'gives', 'kernels'],
        Object.entries(manifest.entries).map(([name, { inputs, outputs }]) => [
          name,
          inputs.map((i) => `${i.name}: ${formatType(i)}`).join(', '),
          outputs.map((o) => `${o.name}: ${formatType(o)}`).join(', '),
          count(module.schedules[name].kernels.length),
        ]),
      ),
    },
    {
      heading: 'Variables',
      html: tableHtml(
        ['name', 'type', 'role', 'address'],
        manifest.variables.map((v) => [v.name, formatType(v), v.role, count(v.address)]),
      ),
    },
  ];
  const remade = Object.entries(module.schedules).flatMap(([entry, schedule]) =>
    (schedule.remade ?? []).map((one) => [entry, ...remadeRow(one)]),
  );
  if (remade.length > 0)
    sections.push({
      heading: 'Made again rather than kept',
      html: tableHtml(['entry', 'values', 'from', 'bytes free meanwhile', 'flops'], remade),
    });
  for (const [name, graph] of Object.entries(module.graphs)) {
    sections.push({ heading: `Graph of ${name}`, svg: await dotToSvg(graphToDot(graph)) });
  }
  for (const [name, { arena, peak, lowerBound }] of entries) {
    if (arena.length === 0) continue;
    const title = `${name}: ${count(peak)} bytes for ${arena.length} buffers (at least ${count(lowerBound)})`;
    sections.push({ heading: `Memory of ${name}`, svg: memoryMap(title, arena) });
  }
  sections.push({ heading: 'Memory map', pre: (await module.text('memory')).trimEnd() });
  sections.push({ heading: 'Schedule', pre: (await module.text('schedule')).trimEnd() });
  return reportPage({
    title: `Compiled model: ${manifest.name}`,
    summary: [
      ['entry points', Object.keys(manifest.entries).join(', ')],
      ['parameters', count(parameters.reduce((n, v) => n + numel(v.shape), 0))],
      ['memory before the data', `${count(Math.ceil(manifest.memory.bytes / 1024))} KiB`],
      ['to load, gzipped', `${(shippedBytes(sizes, manifest) / 1000).toFixed(1)} kB`],
      ['made by', manifest.generator],
    ],
    sections,
  });
}

const remadeRow = ({ values, from, bytes, flops }: Remade) => [
  values.map(valueLabel).join(', '),
  from.map(valueLabel).join(', '),
  count(bytes),
  count(flops),
];
const sizeRow = ({ file, bytes, gzipped }: FileSize) => [file, count(bytes), count(gzipped)];
