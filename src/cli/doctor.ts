import { type Diagnosis, diagnose } from '../doctor/diagnose.js';
import { DataError, GradError, OptionError } from '../errors.js';
import type { AnyTrainStep } from '../run/train-step.js';
import { numel } from '../shape.js';
import { locationIn } from '../source.js';
import type { Columns } from '../train/engine.js';
import { readColumns } from './columns-file.js';
import { columnsOf } from './file-data.js';
import { KINDS, refuseOwn } from './kinds/index.js';
import { type Kind, refuseOthers, settingsFrom } from './kinds/kind.js';
import { chooseStep, loadModel } from './model.js';
import { count, Output, plural } from './output.js';
import { optionSettings, type SettingValues } from './own-settings.js';
import { flagOf, type Settings } from './settings.js';
import { loadTask, untracedStep } from './task.js';
import { trainingOf } from './training.js';

export interface DoctorOptions extends Settings {
  data?: string;
  export?: string;
  set?: SettingValues;
  json?: boolean;
}

/** A training step under its name, with what it would be trained on. */
interface Visit {
  name: string;
  step: AnyTrainStep;
  data: Columns | undefined;
  lr: number | undefined;
}

/** Examines a model and prints what is wrong with it; the exit code is 1 if anything is. */
export async function doctor(model: string, options: DoctorOptions): Promise<number> {
  const output = new Output(options.json === true);
  const kind = KINDS.find(({ name }) => name === model);
  const visits = kind ? [await ofKind(kind, options)] : await fromFile(model, options);
  const findings: object[] = [];
  const checked: object[] = [];
  const notChecked: object[] = [];
  const several = visits.length > 1;
  const failed: string[] = [];
  for (const [i, visit] of visits.entries()) {
    const diagnosis = await examined(model, visit, (options.seed as number | undefined) ?? 42).catch(
      (error: unknown) => {
        // One step that cannot be examined keeps nothing from the others.
        if (!several || !(error instanceof DataError)) throw error;
        failed.push(error.message);
        return undefined;
      },
    );
    if (!diagnosis) continue;
    if (i > 0) output.line();
    print(output, visit, diagnosis);
    const signed = (entry: object) => (several ? { ...entry, step: visit.name } : entry);
    findings.push(...diagnosis.findings.map(signed));
    checked.push(...diagnosis.checked.map(signed));
    notChecked.push(...diagnosis.notChecked.map(signed));
  }
  if (failed.length > 0) throw new DataError(failed.join('; '));
  output.result({ model, findings, checked, notChecked });
  return findings.length > 0 ? 1 : 0;
}

async function ofKind(kind: Kind, options: DoctorOptions): Promise<Visit> {
  if (options.export !== undefined)
    throw new OptionError(`--export is for model files; ${kind.name} has one step`);
  refuseOwn(kind, optionSettings(options.set));
  refuseOthers(kind, options, KINDS);
  // A batch of one is a finding here, not a wrong call.
  const settings = settingsFrom(kind, options);
  const { kept, rows } = await loadTask(kind, options.data ?? null, settings);
  return {
    name: kind.name,
    step: untracedStep(kind, kept, settings),
    data: rows.columns,
    lr: settings.lr ?? undefined,
  };
}

async function fromFile(path: string, options: DoctorOptions): Promise<Visit[]> {
  const own = KINDS.flatMap((kind) => [...kind.model, 'batch' as const]);
  const wrong = own.find((name) => options[name] !== undefined);
  if (wrong) {
    const kinds = KINDS.filter((kind) => wrong in kind.initial).map((kind) => kind.name);
    throw new OptionError(
      `${flagOf(wrong)} is an option of the ${kinds.length > 1 ? 'models' : 'model'} ${kinds.join(' and ')}; ${path} says its own`,
    );
  }
  const file = await loadModel(path, optionSettings(options.set));
  const chosen =
    options.export === undefined && file.steps.size > 0
      ? [...file.steps].map(([name, step]) => ({ name, step }))
      : [chooseStep(file, options.export)];
  const data: unknown = options.data === undefined ? await file.data() : await readColumns(options.data);
  const { lr: said } = trainingOf(file);
  const lr = (options.lr as number | undefined) ?? (typeof said === 'number' ? said : undefined);
  return chosen.map(({ name, step }) => ({
    ...{ name, step, lr },
    data: columnsOf(file, data, { name, step })?.train,
  }));
}

/** A diagnosis; what the model throws while it is traced is told with the file and the step. */
async function examined(path: string, { name, step, data, lr }: Visit, seed: number): Promise<Diagnosis> {
  try {
    return await diagnose(step, { data, lr, seed });
  } catch (error) {
    if (error instanceof OptionError || KINDS.some((kind) => kind.name === path)) throw error;
    if (error instanceof GradError) throw new DataError(`${path}, ${name}: ${error.message}`);
    const { name: kind, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    const where = locationIn(stack);
    const at = where ? ` (${where})` : '';
    throw new DataError(`${path}, ${name}: the model threw ${kind}: ${message.split('\n')[0]}${at}`);
  }
}

function print(output: Output, { name, step, data }: Visit, diagnosis: Diagnosis): void {
  const { bold, dim, green, red, yellow, cyan } = output.colors;
  const { findings, checked, notChecked } = diagnosis;
  const { variables, batchSize } = step.definition;
  const parameters = variables.filter((v) => v.role === 'parameter').reduce((n, v) => n + numel(v.shape), 0);
  const about = `${plural(parameters, 'parameter')}, batches of ${count(batchSize)}${data ? '' : ', no data'}`;
  output.line(`${bold(name)} ${dim(`(${about})`)}`);
  for (const { rule, where, why, fix } of findings) {
    output.line();
    output.line(`${red('✗')} ${bold(rule)}${where ? `  ${cyan(where)}` : ''}`);
    for (const line of wrapped(why, 98)) output.line(`  ${line}`);
    wrapped(`Fix: ${fix}`, 98).forEach((line, i) => {
      output.line(`  ${green(i === 0 ? line : `     ${line}`)}`);
    });
  }
  output.line();
  const width = Math.max(...[...checked, ...notChecked].map(({ rule }) => rule.length));
  const found = new Set(findings.map(({ rule }) => rule));
  for (const { rule, holds } of checked) {
    if (!found.has(rule)) output.line(`${green('✓')} ${dim(rule.padEnd(width))}  ${holds}`);
  }
  for (const { rule, why } of notChecked)
    output.line(`${yellow('-')} ${dim(rule.padEnd(width))}  not checked: ${why}`);
  output.line();
  output.line(
    findings.length > 0 ? red(plural(findings.length, 'finding')) : green('Healthy: nothing found.'),
  );
}

/** Lines of at most `width` characters, broken at spaces. */
function wrapped(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1];
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
