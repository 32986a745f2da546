// npm run bench: installs, builds the page, installs what it is measured beside (bench/package.json), and measures. What can be
// asked of it stands at the head of bench/bench.ts.

import { spawnSync } from 'node:child_process';
import { ensureInstalled, installLocked, ROOT, runPackage } from './install.mjs';

ensureInstalled();
installLocked(`${ROOT}bench/`);
const { findChromium } = await import('./chromium.mjs');
const chromium = await findChromium();
if (chromium === null) process.exit(1);
runPackage('vite/bin/vite.js', ['build', '--logLevel', 'warn'], 'The page could not be built');

const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', 'bench/bench.ts', ...process.argv.slice(2)],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, CHROMIUM_PATH: chromium } },
);
process.exit(status ?? 1);
