// Which versions of Node.js this runs on: those that all dependencies accept. package.json tells npm the same.

/** The first of each line. */
const FIRST = new Map([
  [20, 19],
  [22, 12],
]);

export const WANTED = 'Node.js 20.19 or later of version 20, or 22.12 or later';

/** @param {string} version as in `process.versions.node` */
export function isSupported(version) {
  const [major, minor] = version.split('.').map(Number);
  return minor >= (FIRST.get(major) ?? (major > 22 ? 0 : Number.POSITIVE_INFINITY));
}
