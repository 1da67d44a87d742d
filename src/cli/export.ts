import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { readBytes, writeFileAtomic } from '../data/files.js';
import { encodeSafetensors, storedTensor, type Tensors } from '../data/safetensors.js';
import { DataError, GradError, OptionError } from '../errors.js';
import { type OnnxFile, onnxFile } from '../onnx/export.js';
import { OPSET } from '../onnx/model.js';
import type { AnyTrainStep } from '../run/train-step.js';
import type { Numbers } from '../train/engine.js';
import { takeWeights } from '../train/weights.js';
import { readConfig, readTrained } from './folder.js';
import { refuseWithoutFile, settingsOfRun } from './kept-settings.js';
import { kindNamed, kindOf, MODEL_FILE } from './kinds/index.js';
import type { Kind } from './kinds/kind.js';
import { chooseStep, EXTENSIONS, loadModel } from './model.js';
import { count, Output } from './output.js';
import { optionSettings, type SettingValues } from './own-settings.js';
import { TRAINING_STATE } from './sampling.js';
import { shellWord } from './shell.js';
import { buildStep } from './task.js';

export interface ExportOptions {
  onnx: string;
  entry?: string;
  training?: boolean;
  model?: string;
  export?: string;
  set?: SettingValues;
  weights?: string;
  json?: boolean;
}

/** Writes a trained model, or its training step, as a file for other engines. */
export async function exportModel(what: string, options: ExportOptions): Promise<number> {
  const { onnx, training = false, json = false } = options;
  if (extname(onnx) !== '.onnx')
    throw new OptionError(`--onnx ${onnx}: give a file whose name ends in .onnx, which is written over`);
  if (training && options.entry !== undefined)
    throw new OptionError(`--entry ${options.entry}: --training is the entry train; leave one of them out`);
  const entry = training ? 'train' : (options.entry ?? 'predict');
  const session = await sessionOf(what, entry, options);
  const file = await onnxFile(session.step, session, { entry });
  await writeFileAtomic(onnx, file.bytes);
  const isOwn = file.state.length > 0;
  // Under a name that no run has for its own weights.
  const beside = `${onnx.slice(0, -'.onnx'.length)}.state.safetensors`;
  if (isOwn) await writeFileAtomic(beside, stateOf(session, file));
  describe(new Output(json), { onnx, entry, file, state: isOwn ? beside : null });
  return 0;
}

/** A step with the weights of a run, or of a file. */
async function sessionOf(what: string, entry: string, options: ExportOptions) {
  const isFile = EXTENSIONS.includes(extname(what));
  if (options.weights !== undefined) {
    if (!isFile)
      throw new OptionError(
        `--weights ${options.weights}: that is for a model file; a run has its own weights`,
      );
    const { step } = chooseStep(await loadModel(what, optionSettings(options.set)), options.export);
    const session = step.interpret();
    const { weights } = options;
    if (weights !== 'initial') {
      const bytes = await readBytes(weights);
      named(weights, () => takeWeights(session, bytes, { ignore: TRAINING_STATE }));
    }
    return sessionAs(step, session);
  }
  const { folder, own } = await runOf(what, isFile, options);
  const config = await readConfig(folder, own, (file) => modelHint(folder, file, options.onnx));
  const { kind, settings, kept } = config;
  kind.checkSame?.(kept, folder);
  const { bytes } = await readTrained(folder, config);
  const trained = buildStep(kind, kept, settings);
  const used = Object.hasOwn(trained.program.entries, entry) ? undefined : kind.use?.(kept, settings);
  const step = used ?? trained;
  const session = step.interpret({ seed: settings.seed });
  named(folder, () => {
    if (used) takeWeights(session, bytes, { ignore: TRAINING_STATE });
    else session.restore(bytes);
  });
  return sessionAs(step, session);
}

/** Errors of what was read say where it is from. */
function named(where: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw error instanceof GradError ? new DataError(`${where}: ${error.message}`) : error;
  }
}

const sessionAs = (step: AnyTrainStep, session: ReturnType<AnyTrainStep['interpret']>) => ({
  step,
  read: (name: string) => session.read(name as never),
});

/** What a file's state begins as, as safetensors. */
function stateOf({ step, read }: { step: AnyTrainStep; read(name: string): Numbers }, { state }: OnnxFile) {
  const tensors: Tensors = new Map();
  for (const { name, shape } of step.description.variables.filter((v) => state.includes(v.name))) {
    const data = read(name);
    tensors.set(name, storedTensor(shape, data instanceof Int32Array ? data : Float32Array.from(data)));
  }
  return encodeSafetensors(tensors, { format: 'pt' });
}

/** The folder of a run, and the kind of the model file that it is of, where one is named. */
async function runOf(
  what: string,
  isFile: boolean,
  { model, export: exported, set }: ExportOptions,
): Promise<{ folder: string; own: Kind | undefined }> {
  const isFolder = await stat(what).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder && (isFile || kindNamed(what))) {
    const kind = await kindOf(what, exported, await settingsOfRun(what, { set, exported }));
    return { folder: kind.folder, own: isFile ? kind : undefined };
  }
  refuseWithoutFile(model, set);
  if (model === undefined) return { folder: what, own: undefined };
  const kind = await kindOf(model, exported, await settingsOfRun(model, { set, exported, folder: what }));
  if (kind.format !== MODEL_FILE.format)
    throw new OptionError(`--model ${model}: expected a model file, ${kind.name} needs none`);
  return { folder: what, own: kind };
}

const modelHint = (folder: string, file: string, onnx: string) =>
  `give that too: 2headgrad export ${shellWord(folder)} --model ${shellWord(file)} --onnx ${shellWord(onnx)}`;

function describe(
  output: Output,
  { onnx, entry, file, state }: { onnx: string; entry: string; file: OnnxFile; state: string | null },
): void {
  output.line(
    `${file.name}, ${count(file.nodes)} nodes of ONNX operator set ${OPSET}, ${count(file.bytes.length)} bytes`,
  );
  const { inputs, outputs } = file;
  for (const [word, values] of [
    ['input', inputs],
    ['output', outputs],
  ] as const)
    for (const { name, dtype, shape } of values)
      output.line(`  ${word.padEnd(6)} ${name}: ${dtype}[${shape}]`);
  if (state !== null) output.line(`What ${count(file.state.length)} of the inputs begin as: ${state}`);
  output.line(`Written: ${onnx}`);
  output.result({
    onnx,
    entry,
    opset: OPSET,
    nodes: file.nodes,
    bytes: file.bytes.length,
    inputs,
    outputs,
    state,
  });
}
