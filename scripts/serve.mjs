// Serves the built page on loopback, as a good host would: isolation and the content security policy as headers, right
// types, nothing outside the folder.
//
//   node scripts/serve.mjs [--port 4173] [--root dist] [--prefix /some/path] [--no-isolation]
//
// --no-isolation sends no security header at all, as plain static hosting does; --prefix puts the page under a sub-path.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sirv from 'sirv';

const SECURITY_HEADERS = JSON.parse(
  readFileSync(new URL('../app/security-headers.json', import.meta.url), 'utf8'),
);
const HOST = '127.0.0.1';
/** The same each time: what the page keeps on a device belongs to its address, port included. */
const DEFAULT_PORT = 4173;

/**
 * Starts serving; takes a free port where `port` is taken (0: any).
 * @param {{ root?: string, port?: number, prefix?: string, isolation?: boolean }} [options]
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serve({
  root = defaultRoot(),
  port = DEFAULT_PORT,
  prefix = '/',
  isolation = true,
} = {}) {
  const base = `/${prefix}/`.replace(/\/+/g, '/');
  // dev: looks at the disk at each request, so that a build or a test model made later is there.
  const files = sirv(root, { dev: true, etag: true, setHeaders });

  /** @param {import('node:http').ServerResponse} response @param {string} path */
  function setHeaders(response, path) {
    // Names under assets/ carry a hash of their content; everything else is asked for again each time.
    const hashed = path.startsWith('/assets/');
    response.setHeader('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    if (path.endsWith('.onnx')) response.setHeader('Content-Type', 'application/octet-stream');
    if (!isolation) return;
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  }

  const server = createServer((request, response) => {
    const notFound = () => {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' });
      response.end('Not found.\n');
    };
    const url = request.url ?? '/';
    if (!url.startsWith(base)) return notFound();
    request.url = url.slice(base.length - 1);
    files(request, response, notFound);
  });
  const taken = await listen(server, port);
  return {
    url: `http://${HOST}:${taken}${base}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/** @param {import('node:http').Server} server @param {number} port @returns {Promise<number>} */
function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE' && port !== 0)
        listen(server, 0).then(resolve, reject);
      else reject(error);
    });
    server.listen(port, HOST, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function defaultRoot() {
  return fileURLToPath(new URL('../dist', import.meta.url));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(DEFAULT_PORT) },
      root: { type: 'string', default: defaultRoot() },
      prefix: { type: 'string', default: '/' },
      'no-isolation': { type: 'boolean', default: false },
    },
  });
  const { url } = await serve({
    port: Number(values.port),
    root: values.root,
    prefix: values.prefix,
    isolation: !values['no-isolation'],
  });
  console.log(`Promptlens is at ${url} (Ctrl-C ends it)`);
}
