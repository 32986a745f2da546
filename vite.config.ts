import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Threads in WebAssembly need cross-origin isolation. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  base: './',
  plugins: [react()],
  server: { headers: isolation },
  worker: { format: 'es' },
  test: {
    include: ['{app,models,scripts}/**/*.test.{ts,tsx}'],
    environment: 'node',
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
