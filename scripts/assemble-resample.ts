// npm run -s generate:resample: models/clip/resample.wat as bytes that a module can carry into a page, a worker and Node.

import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const text = readFileSync('models/clip/resample.wat', 'utf8');
const { parseWat } = await wabt();
const { buffer } = parseWat('resample.wat', text, { simd: true }).toBinary({});
const source = `// Written by \`npm run -s generate:resample\` from resample.wat: ${buffer.length} bytes of WebAssembly in base64.

// biome-ignore format: one line is enough for what nobody reads
export const WASM = '${Buffer.from(buffer).toString('base64')}';
`;
writeFileSync('models/clip/resample-wasm.ts', source);
