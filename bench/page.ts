import { escapeText } from '../src/report/escape.js';
import { reportPage } from '../src/report/page.js';
import { dots } from './chart.js';
import type { Report, Row } from './results.js';
import { footer, significant, Table } from './table.js';
import type { Workload } from './workloads.js';

/** The results as one HTML page that needs no other file. */
export function page(report: Report, workloads: readonly Workload[]): string {
  const { results, ceiling_gflops: ceiling, node, cpu, threads } = report;
  const groups = workloads.map(({ name }) => results.filter((row) => row.workload === name));
  const table = new Table(workloads);
  const hasTape = results.some((row) => row.engine === 'tape');
  const speed = dots(results, {
    title: hasTape
      ? 'Speed, in times the speed of the tape'
      : 'Speed, in times the speed of compiled strict code',
    axis: 'times as fast (log scale)',
    scale: 'times',
    value: (row, all) => row.steps_per_second / reference(all, hasTape).steps_per_second,
  });
  const share = dots(results, {
    title: 'Share of what the machine can do',
    axis: 'of the ceiling of multiply-adds on registers, for the threads in use',
    scale: 'share',
    value: (row) => row.of_ceiling,
  });
  return reportPage({
    title: 'Training steps per second',
    summary: [
      ['processor', cpu],
      ['Node.js', node],
      ['most threads', String(threads)],
      ['ceiling, strict', `${significant(ceiling.strict, 3)} GFLOP/s`],
      ['ceiling, relaxed', ceiling.relaxed === null ? 'none' : `${significant(ceiling.relaxed, 3)} GFLOP/s`],
    ],
    sections: [
      { heading: 'Speed', svg: speed },
      { heading: 'Share of the ceiling', svg: share },
      {
        heading: 'All numbers',
        pre: [table.header(), ...groups.map((rows) => table.group(rows))].join('\n\n'),
      },
      {
        heading: 'Notes',
        html: footer(report, workloads)
          .split('\n')
          .map((line) => `<p>${escapeText(line)}</p>`)
          .join('\n'),
      },
    ],
  });
}

function reference(rows: readonly Row[], hasTape: boolean): Row {
  return rows.find((row) => row.engine === (hasTape ? 'tape' : 'compiled'))!;
}
