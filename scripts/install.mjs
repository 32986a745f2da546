// Installs what package-lock.json names, where that has not been done yet. Plain Node: it runs before anything is installed.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

const LEAST_NODE = [20, 19];

/** Ends the process with a sentence where Node is too old or the installation fails. */
export function ensureInstalled() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1])) {
    fail(`Promptlens needs Node ${LEAST_NODE.join('.')} or later; this is ${process.versions.node}.`);
  }
  installLocked(ROOT);
}

/** Installs what a folder's package-lock.json names, where that has not been done yet. */
export function installLocked(folder) {
  const lock = createHash('sha256')
    .update(readFileSync(`${folder}package-lock.json`))
    .digest('hex');
  const mark = `${folder}node_modules/.promptlens-lock`;
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return;
  console.log(`Installing the packages that ${folder.slice(ROOT.length)}package-lock.json names …`);
  run(
    'npm',
    // NODE_ENV=production would leave out the packages that build and test the page.
    ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
    'The packages could not be installed',
    folder,
  );
  writeFileSync(mark, lock);
}

/** Runs a program in `folder`, its output shown; ends the process with `failure` where it does not succeed. */
function run(program, args, failure, folder) {
  const { status, error } = spawnSync(program, args, {
    cwd: folder,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    fail(
      `${failure}: \`${[program, ...args].join(' ')}\` ${error ? error.message : `ended with ${status}`}.`,
    );
}

/** A program that a package of ours brings, started with this Node. */
export function runPackage(script, args, failure) {
  run(process.execPath, [`${ROOT}node_modules/${script}`, ...args], failure, ROOT);
}

export function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
