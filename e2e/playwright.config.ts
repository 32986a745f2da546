// Tests of the built page (dist/) in a real Chromium, in two projects: WASM, and WebGPU on Chromium's software adapter.
// `npm run build && npm run e2e -- e2e/offline.spec.ts` runs one file.

import { defineConfig } from '@playwright/test';
import { findChromium } from '../scripts/chromium.mjs';

/** Looked for once; the workers that Playwright starts inherit the answer. */
process.env.CHROMIUM_PATH ??= (await findChromium()) ?? '';

/** The browser's own errands, which a closed network refuses one by one. */
const QUIET = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];

const chromium = (...args: string[]) => ({
  launchOptions: { executablePath: process.env.CHROMIUM_PATH, args: [...QUIET, ...args] },
});

export default defineConfig({
  testDir: '.',
  outputDir: '../test-results/browser',
  globalSetup: './site/global-setup.ts',
  workers: 2,
  fullyParallel: true,
  retries: 0,
  forbidOnly: process.env.CI === 'true',
  // Generous: a test machine may be busy with a training run.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  // npm test counts the JSON report; PLAYWRIGHT_JSON_OUTPUT_NAME says where it wants it.
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_NAME ? [['list'], ['json']] : 'list',
  use: { screenshot: 'only-on-failure', viewport: { width: 1280, height: 900 } },
  projects: [
    { name: 'wasm', testIgnore: '**/webgpu.spec.ts', use: chromium() },
    { name: 'webgpu', testMatch: '**/{rank,webgpu}.spec.ts', use: chromium('--enable-unsafe-webgpu') },
  ],
});
