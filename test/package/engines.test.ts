import { readFileSync } from 'node:fs';
import { satisfies, subset } from 'semver';
import { describe, expect, it } from 'vitest';
import { isSupported } from '../../scripts/node-version.mjs';
import { PACKAGES } from '../../scripts/vendor.mjs';

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));
const range: string = read('package.json').engines.node;

interface Locked {
  engines?: { node?: string };
  dev?: boolean;
  devOptional?: boolean;
  optional?: boolean;
}
// Optional packages are for other platforms, or a choice of the user's.
const locked = Object.entries<Locked>(read('package-lock.json').packages).filter(
  ([path, { engines, optional }]) => path !== '' && engines?.node && !optional,
);

/** Packages of which users get files inside of this one. */
const handedOn = new Set(
  read(`dist/${PACKAGES}`).map(({ name }: { name: string }) => `node_modules/${name}`),
);

describe('the versions of Node that package.json promises', () => {
  it('are accepted by everything that users install, or get files of', () => {
    const users = locked.filter(
      ([path, { dev, devOptional }]) => (!dev && !devOptional) || handedOn.has(path),
    );
    expect(users.length).toBeGreaterThan(20);
    const wrong = users.filter(([, { engines }]) => !subset(range, engines!.node!));
    expect(wrong.map(([path, { engines }]) => `${path}: ${engines!.node}`)).toEqual([]);
  });

  it('begin with versions that everything for development accepts too, and the lines in support', () => {
    const versions = ['20.19.0', '22.12.0', '24.0.0', '26.0.0'];
    const wrong = versions.flatMap((version) =>
      locked
        .filter(([, { engines }]) => !satisfies(version, engines!.node!))
        .map(([path, { engines }]) => `${version}: ${path}: ${engines!.node}`),
    );
    expect(wrong).toEqual([]);
  });

  it('are those that the commands of a clone run on', () => {
    const minors = Array.from({ length: 25 }, (_, minor) => minor);
    const versions = [18, 19, 20, 21, 22, 23, 24, 26, 30].flatMap((major) =>
      minors.map((minor) => `${major}.${minor}.1`),
    );
    for (const version of versions)
      expect([version, isSupported(version)]).toEqual([version, satisfies(version, range)]);
  });
});
