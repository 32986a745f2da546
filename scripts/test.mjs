// npm test: installs, type-checks, lints, runs the unit tests, builds, and runs the browser tests on the built page. The last
// line counts everything. With CI=true a missing browser is a failure, and so is a skipped test where ../shared is there.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { ensureInstalled, ROOT } from './install.mjs';

ensureInstalled();
const { findChromium } = await import('./chromium.mjs');

const RESULTS = `${ROOT}test-results`;
const CI = process.env.CI === 'true';
const total = { passed: 0, failed: 0, skipped: 0 };

function start(title, script, args, env = {}) {
  console.log(`\n── ${title}`);
  const { status } = spawnSync(process.execPath, [`${ROOT}node_modules/${script}`, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return status === 0;
}

/** A step that passes or fails as a whole. */
function check(title, script, args) {
  const passed = start(title, script, args);
  total[passed ? 'passed' : 'failed'] += 1;
  return passed;
}

/** A step that counts its own tests into a JSON report; without a report, or with a bad end that it does not show, one failure. */
function count(title, script, args, report, read, env) {
  rmSync(report, { force: true });
  const succeeded = start(title, script, args, env);
  const counted = existsSync(report)
    ? read(JSON.parse(readFileSync(report, 'utf8')))
    : { passed: 0, failed: 0, skipped: 0 };
  if (!succeeded && counted.failed === 0) counted.failed = 1;
  for (const key of Object.keys(total)) total[key] += counted[key];
}

mkdirSync(RESULTS, { recursive: true });
check('types', 'typescript/bin/tsc', ['-b']);
check('lint', '@biomejs/biome/bin/biome', ['check', '--error-on-warnings']);
check('unused code and packages', 'knip/bin/knip.js', []);
// The unit tests need it too: its software GPU.
const chromium = await findChromium();
const withChromium = chromium ? { CHROMIUM_PATH: chromium } : {};
if (!existsSync(`${ROOT}bench/node_modules`))
  console.log('Left out: bench/peer beside transformers.js, which `npm run verify:peer` installs.');
count(
  'unit tests',
  'vitest/vitest.mjs',
  ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}/unit.json`],
  `${RESULTS}/unit.json`,
  ({ numPassedTests, numFailedTests, numPendingTests, numTodoTests }) => ({
    passed: numPassedTests,
    failed: numFailedTests,
    skipped: numPendingTests + numTodoTests,
  }),
  withChromium,
);

if (check('build', 'vite/bin/vite.js', ['build', '--logLevel', 'warn'])) {
  if (chromium) {
    count(
      'browser tests',
      '@playwright/test/cli.js',
      ['test', '--config', 'e2e/playwright.config.ts'],
      `${RESULTS}/browser.json`,
      ({ stats }) => ({
        passed: stats.expected + stats.flaky,
        failed: stats.unexpected,
        skipped: stats.skipped,
      }),
      { ...withChromium, PLAYWRIGHT_JSON_OUTPUT_NAME: `${RESULTS}/browser.json` },
    );
  } else if (CI) total.failed += 1;
  else total.skipped += 1;
}

if (CI && total.skipped > 0 && existsSync(`${ROOT}../shared/data`)) {
  console.log(`\n${total.skipped} tests were skipped although ../shared is there.`);
  total.failed += 1;
}
const { passed, failed, skipped } = total;
process.exitCode = failed === 0 ? 0 : 1;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
