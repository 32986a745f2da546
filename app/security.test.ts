import { expect, it } from 'vitest';
import { securityHeadersFor } from './security.ts';

const connect = (path: string) =>
  securityHeadersFor(new URL(path, 'https://site.example/lens/'))
    ['Content-Security-Policy'].split('; ')
    .find((directive) => directive.startsWith('connect-src'));
const hosts = (...list: string[]) =>
  `assets/keep-worker-B1x_-9.js?${new URLSearchParams({ hosts: list.join(' ') })}`;

it('lets the worker that keeps models ask the hosts that its address names', () => {
  expect(connect(hosts('https://huggingface.co', 'https://*.hf.co', 'http://127.0.0.1:8080'))).toBe(
    "connect-src 'self' https://huggingface.co https://*.hf.co http://127.0.0.1:8080",
  );
});

it('lets nothing else ask anybody', () => {
  for (const path of ['', 'assets/worker-B1x.js', 'assets/worker-B1x.js?hosts=https%3A%2F%2Fevil.example']) {
    expect(connect(path)).toBe("connect-src 'self'");
  }
});

it.each([
  '*',
  'https:',
  'https://*',
  'https://*.com; script-src *',
  "'unsafe-eval'",
  'http://evil.example',
  'data:',
  'https://a.b/path',
])('leaves out %j', (host) => {
  expect(connect(hosts(host))).toBe("connect-src 'self'");
});
