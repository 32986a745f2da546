// npm start: installs, builds, serves the built page on loopback and opens it where there is a display.

import { spawn } from 'node:child_process';
import { ensureInstalled, runPackage } from './install.mjs';

ensureInstalled();
runPackage('vite/bin/vite.js', ['build', '--logLevel', 'warn'], 'The page could not be built');

const { serve } = await import('./serve.mjs');
const { url } = await serve();
console.log(`Promptlens is at ${url}`);
openBrowser(url);

function openBrowser(address) {
  const { DISPLAY, WAYLAND_DISPLAY, CI } = process.env;
  if (CI) return;
  const opener = {
    darwin: ['open'],
    win32: ['cmd', '/c', 'start'],
    linux: DISPLAY || WAYLAND_DISPLAY ? ['xdg-open'] : undefined,
  }[process.platform];
  if (!opener) return;
  const [program, ...args] = opener;
  // Without an opener the address stands on the screen all the same.
  spawn(program, [...args, address], { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref();
}
