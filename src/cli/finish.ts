import { join } from 'node:path';
import { writeInFolder } from '../data/files.js';
import type { Peers } from '../distributed/index.js';
import { bytesText } from '../errors.js';
import { PLAIN } from '../models/choose.js';
import type { Evaluated } from '../train/metrics.js';
import type { Session } from '../train/session.js';
import type { Curve } from './curve.js';
import { type Config, REPORT, readBest, WASM } from './folder.js';
import { breathe } from './interrupt.js';
import { MODEL_FILE } from './kinds/index.js';
import { type Comparison, type Part, partsOf, type Rows, type Task } from './kinds/kind.js';
import { metricsJson, metricTables } from './metrics.js';
import { count, duration, inBits, lossText, note, type Output, plural, rate, tableText } from './output.js';
import type { Best, Run } from './run.js';

/** Tokens of a sample that does not end by itself. */
const SAMPLE_LENGTH = 300;

/** A run whose last step is taken. */
export interface Finished {
  session: Session;
  config: Config;
  task: Task;
  curve: Curve;
  run: Run;
  look: (rows: Rows) => Promise<Evaluated>;
  folder: string;
  /** The processes that shared it. */
  peers: Peers | null;
}

/** Measures what was trained, its best model where it keeps one, writes the report and says how it went. */
export async function finish(
  output: Output,
  { session, config, task, curve, run, look, folder, peers }: Finished,
): Promise<void> {
  const { kind, settings, kept } = config;
  const { sampler } = kind;
  const { at } = session;
  const { best } = run;
  if (best && best.step !== at) session.restore((await readBest(folder, config))!.bytes);
  const losses: Partial<Record<Part, number>> = {};
  const parts = partsOf(kind, task);
  const measured: { name: string; all: Evaluated }[] = [];
  for (const { part, name, rows } of parts) {
    const all = await look(rows);
    losses[part] = all.loss;
    measured.push({ name, all });
  }
  const how = { ...PLAIN, length: SAMPLE_LENGTH };
  const drawn = sampler?.draw(session.checkpoint(), kept, settings, settings.seed, how);
  const samples = sampler && drawn ? await firstOf(drawn, sampler.counts.train) : [];
  const baseline = kind.baseline(kept);
  if (task.compare) note('Counting n-grams of the same text');
  const comparison = await task.compare?.(session);
  if (session.module) await writeInFolder(folder, WASM, session.module.wasm);
  const { writeReport } = await import('./report.js');
  const told = { session, config, task, curve, losses, measured, baseline, samples, run };
  await writeReport(folder, { ...told, at, comparison });

  const { bold, dim } = output.colors;
  const trained = run.steps > 0 ? `, ${rate(run.stepsPerSecond)} steps/s` : '';
  output.line();
  output.line(`${plural(run.steps, 'step')} in ${duration(run.seconds)}${trained}`);
  if (peers && run.steps > 0)
    output.line(
      `${peers.size} ${peers.size === 1 ? 'process' : 'processes'} of ${plural(settings.shards / peers.size, 'shard')} each; this one sent ${bytesText(Math.round(peers.sent / run.steps))} a step`,
    );
  if (best) output.line(bestText(best, { at, stopped: run.stopped }));
  output.line();
  const bits = kind.bits(settings);
  const width = Math.max(8, ...parts.map(({ name }) => name.length));
  const row = (name: string, loss: number, note = '') =>
    output.line(
      `  ${name.padEnd(width)} ${lossText(loss)}${bits ? `   ${inBits(loss)} ${bits}` : ''}${note}`,
    );
  output.line(bold('Loss'));
  for (const { part, name } of parts) row(name, losses[part]!);
  if (baseline) row('uniform', baseline.loss, dim(`   ${baseline.why}`));
  for (const { heading, lines } of metricTables(session, measured)) {
    output.line();
    output.line(bold(heading));
    for (const line of lines) output.line(`  ${line}`);
  }
  if (comparison) printComparison(output, comparison);
  output.line();
  if (sampler) {
    output.line(bold(samples.length === 1 ? 'Sample' : 'Samples'));
    for (const line of sampler.text(samples)) output.line(`  ${line}`);
    output.line();
  }
  output.line(`Report: ${join(folder, REPORT)}`);
  const model = kind.format === MODEL_FILE.format ? ` --model ${kind.command}` : '';
  if (sampler) output.line(dim(`More ${sampler.noun}: 2headgrad sample ${folder}${model}`));
  const named = (suffix: string, unit: number) =>
    Object.fromEntries(parts.map(({ part }) => [`${part}_${suffix}`, losses[part]! / unit]));
  output.result({
    task: kind.command,
    ...named('loss', 1),
    ...(bits && named('bits', Math.LN2)),
    ...(session.program.metrics && { metrics: metricsJson(measured) }),
    baseline: baseline?.loss ?? null,
    ...comparison?.json,
    steps: at,
    ...(best && { best_step: best.step, stopped_early: run.stopped }),
    steps_per_second: run.stepsPerSecond,
    train_seconds: run.seconds,
    compile_ms: session.module?.compileMs ?? 0,
    compile_cached: session.module?.cached ?? false,
    parameters: session.parameterCount,
    engine: session.kind,
    threads: session.threads,
    shards: settings.shards,
    ...(peers && { processes: peers.size, bytes_sent: peers.sent }),
    wide: session.wide,
    memory: session.module?.memory ?? null,
    seed: settings.seed,
    [`${kind.unit(settings)}s`]: task.size,
    ...kind.facts(kept),
    ...(sampler && { samples }),
    out: folder,
  });
}

const bestText = ({ step }: Best, { at, stopped }: { at: number; stopped: boolean }) =>
  `${stopped ? 'Stopped, since held-out data showed no better model any more. ' : ''}What follows is of the best model, that of step ${count(step)}${step < at ? ` of ${count(at)}` : ''}.`;

function printComparison(output: Output, { heading, head, rows, notes }: Comparison): void {
  output.line();
  output.line(output.colors.bold(heading));
  for (const line of tableText(head, rows)) output.line(`  ${line}`);
  for (const line of notes) output.line(output.colors.dim(`  ${line}`));
}

/** The first of some samples; signals are heard in between. */
async function firstOf(samples: Generator<string, never>, wanted: number): Promise<string[]> {
  const first: string[] = [];
  while (first.length < wanted) {
    first.push(samples.next().value);
    await breathe();
  }
  return first;
}
