import { describe, expect, it } from 'vitest';
import { memorySize } from '../src/memory-size.js';

describe('an amount of memory', () => {
  it.each([
    [4096, 4096],
    ['4096', 4096],
    ['4096 bytes', 4096],
    ['1 byte', 1],
    ['512B', 512],
    ['64kB', 64_000],
    ['64 KB', 64_000],
    ['64MB', 64_000_000],
    ['64 mb', 64_000_000],
    ['64M', 64_000_000],
    ['1.5GB', 1_500_000_000],
    ['.5 GB', 500_000_000],
    ['1KiB', 1024],
    ['64 MiB', 64 * 2 ** 20],
    ['64mib', 64 * 2 ** 20],
    ['2Gi', 2 ** 31],
    ['1 TiB', 2 ** 40],
    [' 10 MB ', 10_000_000],
    [1.9, 1],
  ])('%j is %i bytes', (value, bytes) => {
    expect(memorySize('memory', value)).toBe(bytes);
  });

  it.each([
    '64 bananas',
    '',
    'MB',
    '0',
    '0MB',
    '-64MB',
    '64 MB MB',
    '1e3',
    '0x40',
    '64 iB',
    '64PB',
    '1,000',
    'Infinity',
    0,
    -1,
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 60,
    true,
    null,
    [],
    10n,
  ])('%s is none', (value) => {
    expect(() => memorySize('compile: memory', value)).toThrow(
      /^compile: memory must be a size above 0: a number of bytes or a text such as '64MB' \(kB, MB and GB count in 1,000s, KiB, MiB and GiB in 1,024s\), got /,
    );
  });
});
