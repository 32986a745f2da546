import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defaultClientConditions, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { defineConfig } from 'vitest/config';
import securityHeaders from './app/security-headers.json' with { type: 'json' };
import { examplePictures } from './scripts/example-pictures.ts';
import { siteModels } from './scripts/site-models.ts';

/** The page downloads and checks the runtime like a model's file: by bytes and SHA-256, known from here on. */
function onnxruntimeFile(name: string) {
  const content = readFileSync(fileURLToPath(import.meta.resolve(`onnxruntime-web/${name}`)));
  return { name, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

/** The policy in the page itself, for hosts that send no headers. The dev server's own inline scripts would not pass it. */
function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: {
          'http-equiv': 'Content-Security-Policy',
          // A page says only by a header who may frame it; in a tag browsers ignore that, and warn.
          content: securityHeaders['Content-Security-Policy'].replace(/; frame-ancestors [^;]*/, ''),
        },
        injectTo: 'head-prepend',
      },
    ],
  };
}

const { 'Content-Security-Policy': _, ...isolation } = securityHeaders;
const hasPeer = existsSync('bench/node_modules/@huggingface/transformers');

export default defineConfig({
  // Relative addresses: the built folder works under any path.
  base: './',
  plugins: [
    react(),
    examplePictures(),
    siteModels(),
    contentSecurityPolicy(),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'app',
      filename: 'service-worker.ts',
      injectRegister: false, // app/site.ts does it
      injectManifest: {
        // The shell. Models and the runtime's WebAssembly are kept when they are first used.
        globPatterns: ['**/*.{html,js,mjs,css,svg,png,jpg,webp,woff2,webmanifest}', 'models.json'],
        globIgnores: ['models/**'],
        dontCacheBustURLsMatching: /^assets\//,
        rollupFormat: 'iife',
      },
      manifest: {
        name: 'Promptlens',
        short_name: 'Promptlens',
        description: 'Ranks your photographs against your words, on your own device.',
        // And by default its id: a relative one would be resolved against the origin, one for all sub-paths of a host.
        start_url: './',
        scope: './',
        display: 'standalone',
        theme_color: '#1d2b53',
        background_color: '#1d2b53',
        icons: [
          { src: 'icons/icon.svg', sizes: 'any', type: 'image/svg+xml' },
          { src: 'icons/icon-192.png', sizes: '192x192', type: 'image/png' },
          { src: 'icons/icon-512.png', sizes: '512x512', type: 'image/png' },
          { src: 'icons/icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
        ],
      },
    }),
  ],
  define: {
    ONNXRUNTIME_FILES: JSON.stringify({
      wasm: onnxruntimeFile('ort-wasm-simd-threaded.wasm'),
      jspi: onnxruntimeFile('ort-wasm-simd-threaded.jspi.wasm'),
      webgpu: onnxruntimeFile('ort-wasm-simd-threaded.asyncify.wasm'),
    }),
  },
  // onnxruntime-web without its glue inside: app/inference/runtime.ts says where that is.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  worker: { format: 'es' },
  // What only the worker imports is not found beforehand; found late, it would reload the page in the middle of a load.
  optimizeDeps: {
    include: [
      'comlink',
      'idb',
      'valibot',
      'onnxruntime-web/wasm',
      'onnxruntime-web/jspi',
      'onnxruntime-web/webgpu',
    ],
  },
  server: { headers: isolation },
  build: { target: 'es2023' },
  test: {
    // What is compared with transformers.js waits for `npm run verify:peer` or `npm run bench` to have installed it.
    include: [`{app,models,scripts${hasPeer ? ',bench/peer' : ''}}/**/*.test.{ts,tsx}`],
    environment: 'node',
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
