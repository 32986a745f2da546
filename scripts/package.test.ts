// package.json and its lock: exact versions, and nothing missing on other machines than the one that wrote the lock.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const lock: Record<string, { optionalDependencies?: Record<string, string> }> = JSON.parse(
  readFileSync('package-lock.json', 'utf8'),
).packages;

it('names exact versions', () => {
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version)))).toEqual([]);
});

it('locks the binaries of every platform', () => {
  const missing = Object.entries(lock).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`${path}/node_modules/${name}` in lock) && !(`node_modules/${name}` in lock),
    ),
  );
  // npm leaves a platform's package out of the lock without a word where the registry does not have it yet.
  expect(missing).toEqual([]);
});
