// npm run verify:peer: installs, also what transformers.js needs (bench/package.json), and compares it with ours on a folder that
// export makes. What can be asked of it stands at the head of bench/peer.ts.

import { spawnSync } from 'node:child_process';
import { ensureInstalled, installLocked, ROOT } from './install.mjs';

ensureInstalled();
installLocked(`${ROOT}bench/`);
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', 'bench/peer.ts', ...process.argv.slice(2)],
  { cwd: ROOT, stdio: 'inherit' },
);
process.exit(status ?? 1);
