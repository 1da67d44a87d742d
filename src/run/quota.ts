/** The text of a file, or undefined if there is none. */
export type ReadText = (path: string) => string | undefined;

const MOUNT = '/sys/fs/cgroup';

/**
 * The processors' worth of time that the control groups of this process may use on Linux (cgroups 1 and 2), or Infinity.
 * Every group above counts, too; a container sees its own at the root.
 */
export function cpuQuota(read: ReadText): number {
  let least = Number.POSITIVE_INFINITY;
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    const quotaAt =
      controllers === ''
        ? (group: string) => ofVersion2(read, group)
        : controllers.split(',').includes('cpu')
          ? (group: string) => ofVersion1(read, controllers, group)
          : undefined;
    if (!quotaAt) continue;
    for (const group of [path, ...groupsAbove(path)]) least = Math.min(least, quotaAt(group));
  }
  return least;
}

/** `/a/b` lies in `/a` and in the root, which is written as nothing. */
function groupsAbove(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return ['', ...parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`)];
}

/** `max 100000`, or microseconds in a period. */
function ofVersion2(read: ReadText, group: string): number {
  const text = read(`${MOUNT}${group}/cpu.max`) ?? read(`${MOUNT}/unified${group}/cpu.max`) ?? '';
  const [quota, period] = text.trim().split(' ').map(Number);
  return share(quota, period);
}

/** Microseconds in a period; -1 is no limit. */
function ofVersion1(read: ReadText, controllers: string, group: string): number {
  for (const folder of ['cpu', controllers]) {
    const quota = read(`${MOUNT}/${folder}${group}/cpu.cfs_quota_us`);
    if (quota === undefined) continue;
    return share(Number(quota), Number(read(`${MOUNT}/${folder}${group}/cpu.cfs_period_us`)));
  }
  return Number.POSITIVE_INFINITY;
}

function share(quota: number, period: number): number {
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
}
