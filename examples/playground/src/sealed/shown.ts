import type { Shown } from '../protocol.js';
import { clip } from './remote.js';

// What a stranger's model shows of itself, as it may be put on the page: numbers and text of limited length.

const MOST_SAMPLES = 12;
const LONGEST_WRITING = 2000;
const LONGEST_TROUBLE = 400;
const MOST_LAYERS = 64;
const MOST_HEADS = 64;
const LONGEST_LINE = 128;
const CLASSES = 10;

export function shownOf(given: unknown): Shown {
  const shown = (given ?? {}) as Record<keyof Shown, unknown>;
  const { samples, writing, writingTrouble, maps, mapsTrouble, probabilities, accuracy, wrong, saturation } =
    shown;
  const looked = mapsOf(maps);
  return {
    ...(Array.isArray(samples) && {
      samples: samples.slice(0, MOST_SAMPLES).map((word) => clip(word, 80)),
    }),
    ...(writing !== undefined && { writing: clip(writing, LONGEST_WRITING) }),
    ...(writingTrouble !== undefined && { writingTrouble: clip(writingTrouble, LONGEST_TROUBLE) }),
    ...(looked && { maps: looked }),
    ...(mapsTrouble !== undefined && { mapsTrouble: clip(mapsTrouble, LONGEST_TROUBLE) }),
    ...(isFloats(probabilities, CLASSES) && { probabilities: fractions(probabilities) }),
    ...(accuracy !== undefined && { accuracy: fraction(Number(accuracy)) }),
    ...(Array.isArray(wrong) && { wrong: wrong.slice(0, MOST_SAMPLES).map(mistake) }),
    ...(saturation !== undefined && { saturation: Number(saturation) }),
  };
}

function mapsOf(given: unknown): Shown['maps'] | null {
  const { layers, heads, characters, weights } = (given ?? {}) as Record<string, unknown>;
  const isCount = (n: unknown, most: number): n is number =>
    Number.isInteger(n) && (n as number) > 0 && (n as number) <= most;
  if (!isCount(layers, MOST_LAYERS) || !isCount(heads, MOST_HEADS) || !Array.isArray(characters)) return null;
  const n = characters.length;
  if (!isCount(n, LONGEST_LINE) || !isFloats(weights, layers * heads * n * n)) return null;
  return {
    ...{ layers, heads, weights: fractions(weights) },
    characters: characters.map((character) => clip(character, 2)),
  };
}

const isFloats = (given: unknown, length: number): given is Float32Array =>
  given instanceof Float32Array && given.length === length;

const fraction = (n: number) => (n >= 0 ? Math.min(1, n) : 0);
const fractions = (values: Float32Array) => values.map(fraction);

function mistake(given: unknown): { index: number; said: number } {
  const { index, said } = (given ?? {}) as Record<string, unknown>;
  const whole = (n: unknown) => (Number.isInteger(n) && (n as number) >= 0 ? (n as number) : 0);
  return { index: whole(index), said: Math.min(CLASSES - 1, whole(said)) };
}
