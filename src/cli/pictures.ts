import { imageGrid } from '../report/image-grid.js';
import type { Section } from '../report/page.js';
import { numel } from '../shape.js';
import type { EntryDescription, InputDescription } from '../train/description.js';
import type { Session } from '../train/session.js';
import type { Rows } from './kinds/kind.js';

/** So many images are shown, and of these sizes. */
const SHOWN = 30;
const [SMALLEST, LARGEST] = [4, 128];

/** An input whose rows are images: [height, width], [height, width, channels] or, as PyTorch has them, [channels, height, width]. */
interface ImageInput {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly channelsFirst: boolean;
}

const isSide = (n: number) => n >= SMALLEST && n <= LARGEST;
const isChannels = (n: number): n is 1 | 3 => n === 1 || n === 3;

function imageOf({ name, shape: [, a = 0, b = 0, c, ...rest], dtype }: InputDescription): ImageInput | null {
  if (dtype !== 'f32' || rest.length > 0) return null;
  if (isSide(a) && isSide(b) && (c === undefined || isChannels(c)))
    return { name, height: a, width: b, channels: c ?? 1, channelsFirst: false };
  if (isChannels(a) && isSide(b) && c !== undefined && isSide(c))
    return { name, height: b, width: c, channels: a, channelsFirst: true };
  return null;
}

/** The first rows of a part as pictures, with what they are and what the model takes them for; nothing where no input is images. */
export function pictureSections(session: Session, part: string, { columns, rows }: Rows): Section[] {
  const { train, predict } = session.program.entries;
  const image = train.inputs.map(imageOf).find((found) => found !== null);
  if (!image) return [];
  const count = Math.min(SHOWN, rows);
  const all = Float32Array.from(columns[image.name]);
  const size = all.length / rows;
  const shown = all.subarray(0, count * size);
  const images = Array.from({ length: count }, (_, i) =>
    channelsLast(image, shown.subarray(i * size, (i + 1) * size)),
  );
  const truth = train.inputs.find(({ shape, dtype }) => dtype === 'i32' && shape.length === 1);
  const taken = takenFor(session, image, predict, shown);
  const labels = Array.from({ length: count }, (_, i) => {
    const is = truth && String(columns[truth.name][i]);
    const told = taken && String(taken[i]);
    return is === undefined || told === null || is === told ? (is ?? told) : `${told}, is ${is}`;
  });
  const named = labels.every((label) => label !== null && label !== undefined);
  const title = `Images of ${part}${taken ? ', and what they are taken for' : ''}`;
  const { height, width, channels } = image;
  const grid = { title, images, height, width, channels, columns: 10 };
  return [{ heading: title, svg: imageGrid({ ...grid, ...(named && { labels: labels as string[] }) }) }];
}

function channelsLast(
  { channelsFirst, channels, height, width }: ImageInput,
  image: Float32Array,
): Float32Array {
  if (!channelsFirst || channels === 1) return image;
  const pixels = height * width;
  return image.map((_, i) => image[(i % channels) * pixels + Math.floor(i / channels)]);
}

/** The likeliest class of each image, where `predict` takes such images alone and gives a number for each class. */
function takenFor(
  session: Session,
  { name }: ImageInput,
  predict: EntryDescription | undefined,
  images: Float32Array,
): number[] | null {
  const input = predict?.inputs[0];
  const output = predict?.outputs[0];
  const isAlone = predict?.inputs.length === 1 && predict.outputs.length === 1;
  if (!input || !output || !isAlone || input.dtype !== 'f32' || output.dtype !== 'f32') return null;
  const { shape } = session.program.entries.train.inputs.find((part) => part.name === name)!;
  const [rows, classes, ...rest] = output.shape;
  const fits = input.shape.slice(1).join() === shape.slice(1).join() && rows === input.shape[0];
  if (!fits || rest.length > 0 || !(classes > 1)) return null;
  const made = session.predict({ [input.name]: images });
  return Array.from({ length: images.length / numel(shape.slice(1)) }, (_, i) => {
    const row = Array.from(made.subarray(i * classes, (i + 1) * classes));
    return row.indexOf(Math.max(...row));
  });
}
