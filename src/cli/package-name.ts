import { builtinModules } from 'node:module';

/** The longest that npm takes. */
const MOST = 214;
/** What the project of `new` uses: npm installs no package into one of the same name. */
const USED = ['2headgrad', 'tsx', 'typescript', 'vite'];

/** Why npm would refuse a new package of this name, or undefined: https://docs.npmjs.com/cli/configuring-npm/package-json#name */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > MOST) return `it has ${name.length} characters, and ${MOST} is the most`;
  const scoped = /^@([^/]+)\/([^/]+)$/.exec(name);
  const parts = scoped ? [scoped[1], scoped[2]] : [name];
  if (parts.some((part) => /^[._-]/.test(part))) return 'it begins with a dot, a dash or an underscore';
  if (name !== name.toLowerCase()) return 'it has capital letters';
  const strange = parts.some((part) => encodeURIComponent(part) !== part || /[~'!()*]/.test(part));
  if (strange) return 'it has other characters than letters, digits, dots, dashes and underscores';
  if (name === 'node_modules' || name === 'favicon.ico') return 'that name is reserved';
  if (builtinModules.includes(name)) return 'a module of Node.js is called so';
  if (USED.includes(name)) return 'the project uses a package of that name';
  return undefined;
}

/** A name like this one that npm takes. */
export function nameLike(text: string): string {
  const name = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MOST)
    .replace(/^-+|-+$/g, '');
  return nameProblem(name) === undefined ? name : 'my-model';
}
