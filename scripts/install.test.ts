import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';

it.skipIf(process.platform === 'win32')(
  'asks npm for the packages that build the page, whatever NODE_ENV says',
  () => {
    const folder = `${mkdtempSync(join(tmpdir(), 'promptlens-install-'))}/`;
    writeFileSync(`${folder}package-lock.json`, '{}');
    const npm = '#!/bin/sh\nmkdir node_modules && echo "$@" > asked\n';
    writeFileSync(`${folder}npm`, npm, { mode: 0o755 });
    const install = `
    import { installLocked } from ${JSON.stringify(new URL('install.mjs', import.meta.url).href)};
    installLocked(${JSON.stringify(folder)});`;
    execFileSync(process.execPath, ['--input-type=module', '--eval', install], {
      env: { ...process.env, NODE_ENV: 'production', PATH: `${folder}${delimiter}${process.env.PATH}` },
    });
    expect(readFileSync(`${folder}asked`, 'utf8')).toContain('ci --include=dev');
  },
);
