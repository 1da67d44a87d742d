import { isObject } from '../check.js';
import { numel } from '../shape.js';
import { ALIGNMENT, type Buffer, FIRST_REGION, HANDED_ON, MAX_MEMORY, type MemoryLayout } from './layout.js';
import { elementsIn, isWidth } from './panels.js';

/**
 * Whether a value is a layout that the planner could have made: every field is there and of its kind, every buffer is as
 * large as its shape says and lies on its own in front of the end. The control cells belong to no buffer.
 */
export function isLayout(value: unknown): value is MemoryLayout {
  if (!isObject(value)) return false;
  const { variables, constants, entries, end, threadScratch, remade } = value;
  if (!isSize(end) || !isSize(threadScratch) || !isObject(entries)) return false;
  if (!isBuffers(variables) || !isBuffers(constants) || !constants.every(hasValues)) return false;
  const parts = Object.values(entries);
  const isEntry = (part: unknown) =>
    isObject(part) && isBuffers(part.inputs) && isBuffers(part.outputs) && isGuards(part.guards);
  if (!parts.every(isEntry) || !isRemade(remade)) return false;
  const given = entries as MemoryLayout['entries'];
  const handedOn = Object.hasOwn(entries, HANDED_ON.from) ? given[HANDED_ON.from].outputs : [];
  const isHandedOn = (entry: string, input: Buffer) =>
    entry === HANDED_ON.to &&
    handedOn.some(
      ({ name, address, bytes }) => name === input.name && address === input.address && bytes === input.bytes,
    );
  const own = Object.entries(given).flatMap(([entry, { inputs, outputs, guards = [] }]) => [
    ...inputs.filter((input) => !isHandedOn(entry, input)),
    ...outputs,
    ...guards.flatMap(({ fault, value }) => [fault, value].map((address) => ({ address, bytes: 4 }))),
  ]);
  return lieApart([...variables, ...constants, ...own], end);
}

/** Bytes in front of an aligned place of the memory. */
function isSize(value: unknown): value is number {
  return isCount(value) && value % ALIGNMENT === 0 && value <= MAX_MEMORY;
}

/** Buffers of different names. */
function isBuffers(value: unknown): value is Buffer[] {
  return (
    Array.isArray(value) && value.every(isBuffer) && new Set(value.map((b) => b.name)).size === value.length
  );
}

function isBuffer(value: unknown): value is Buffer {
  if (!isObject(value)) return false;
  const { name, address, bytes, shape, dtype, panels } = value;
  return (
    typeof name === 'string' &&
    isSize(address) &&
    Array.isArray(shape) &&
    shape.every(isCount) &&
    isWidth(panels, shape) &&
    bytes === 4 * elementsIn({ shape, panels }) &&
    (dtype === 'f32' || dtype === 'i32' || dtype === 'bool')
  );
}

/** What they look at, `decodeModule` knows of the program. */
function isGuards(value: unknown): boolean {
  const isGuard = (g: unknown) =>
    isObject(g) && typeof g.where === 'string' && isSize(g.fault) && isSize(g.value);
  return value === undefined || (Array.isArray(value) && value.every(isGuard));
}

/** Figures that are told to the user. */
function isRemade(value: unknown): boolean {
  const isFigures = (f: unknown) =>
    isObject(f) && [f.kernels, f.bytes, f.flops, f.share].every((n) => Number.isFinite(n) && Number(n) >= 0);
  return value === undefined || (isObject(value) && Object.values(value).every(isFigures));
}

/** Its elements, or one for all of them. */
function hasValues(buffer: Buffer): boolean {
  const { values } = buffer as Buffer & { values?: unknown };
  return (
    Array.isArray(values) &&
    (values.length === 1 || values.length === numel(buffer.shape)) &&
    values.every((value) => typeof value === 'number')
  );
}

function lieApart(buffers: Pick<Buffer, 'address' | 'bytes'>[], end: number): boolean {
  let free = FIRST_REGION;
  for (const { address, bytes } of buffers.sort((a, b) => a.address - b.address)) {
    if (address < free) return false;
    // One without elements has a place of its own, too.
    free = address + Math.max(bytes, 4);
  }
  return free <= end;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
