import { expect, test } from 'vitest';
import { cpuQuota } from '../../src/run/quota.js';

const ROOT = '/sys/fs/cgroup';
const NONE = Number.POSITIVE_INFINITY;

test.each<[string, Record<string, string>, number]>([
  ['no control groups', {}, NONE],
  ['version 2 without a limit', { '/proc/self/cgroup': '0::/\n', [`${ROOT}/cpu.max`]: 'max 100000\n' }, NONE],
  [
    'version 2 in a container, which sees its own group at the root',
    { '/proc/self/cgroup': '0::/\n', [`${ROOT}/cpu.max`]: '150000 100000\n' },
    1.5,
  ],
  [
    'version 2 with a limit of its own',
    { '/proc/self/cgroup': '0::/user/job\n', [`${ROOT}/user/job/cpu.max`]: '50000 100000' },
    0.5,
  ],
  [
    'version 2 with a limit of a group above',
    {
      '/proc/self/cgroup': '0::/a/b/c\n',
      [`${ROOT}/a/cpu.max`]: '200000 100000',
      [`${ROOT}/a/b/cpu.max`]: '100000 100000',
      [`${ROOT}/a/b/c/cpu.max`]: 'max 100000',
    },
    1,
  ],
  [
    'version 2 with a path that is not there, as a container has it',
    { '/proc/self/cgroup': '0::/docker/12ab\n', [`${ROOT}/cpu.max`]: '300000 100000' },
    3,
  ],
  [
    'version 1',
    {
      '/proc/self/cgroup': '4:memory:/x\n3:cpu,cpuacct:/job\n0::/\n',
      [`${ROOT}/cpu,cpuacct/job/cpu.cfs_quota_us`]: '100000\n',
      [`${ROOT}/cpu,cpuacct/job/cpu.cfs_period_us`]: '50000\n',
    },
    2,
  ],
  [
    'version 1 in a container',
    {
      '/proc/self/cgroup': '1:cpu:/docker/12ab\n',
      [`${ROOT}/cpu/cpu.cfs_quota_us`]: '100000',
      [`${ROOT}/cpu/cpu.cfs_period_us`]: '100000',
    },
    1,
  ],
  [
    'version 1 without a limit',
    {
      '/proc/self/cgroup': '1:cpu:/\n',
      [`${ROOT}/cpu/cpu.cfs_quota_us`]: '-1',
      [`${ROOT}/cpu/cpu.cfs_period_us`]: '100000',
    },
    NONE,
  ],
  ['what cannot be read as a limit', { '/proc/self/cgroup': '0::/\n', [`${ROOT}/cpu.max`]: 'many' }, NONE],
  [
    'another controller',
    { '/proc/self/cgroup': '1:cpuset:/\n', [`${ROOT}/cpuset/cpu.cfs_quota_us`]: '1' },
    NONE,
  ],
])('%s', (_, files, quota) => {
  expect(cpuQuota((path) => files[path])).toBe(quota);
});
