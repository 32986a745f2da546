// Draws the icons that browsers want as pictures, from public/icons/icon.svg: node scripts/icons.mjs

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const folder = new URL('../public/icons/', import.meta.url);
const svg = await readFile(new URL('icon.svg', folder), 'utf8');
/** Systems cut maskable icons (and Apple's) to shapes of their own: a square to the edges, with the drawing inside 80 %. */
const fullBleed = svg
  .replace('rx="112" ', '')
  .replace(/(<g [\s\S]*<\/g>)/, '<g transform="translate(51.2 51.2) scale(0.8)">$1</g>');

/** @param {string} drawing @param {number} side @param {string} name */
async function draw(drawing, side, name) {
  const png = await sharp(Buffer.from(drawing))
    .resize(side, side)
    .png({ palette: true, compressionLevel: 9 })
    .toFile(fileURLToPath(new URL(name, folder)));
  console.log(`${name}: ${png.width} x ${png.height}, ${png.size} bytes`);
}

await draw(svg, 192, 'icon-192.png');
await draw(svg, 512, 'icon-512.png');
await draw(fullBleed, 512, 'icon-maskable-512.png');
await draw(fullBleed, 180, 'apple-touch-icon.png');
