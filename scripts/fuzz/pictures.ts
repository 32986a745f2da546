// Pictures' headers, of every format that is known.

import sharp, { type Sharp } from 'sharp';
import { joined, repeated } from '../../models/clip/fixtures/wire.ts';
import { readImageHeader } from '../../models/clip/image-header.ts';
import { pick } from '../../models/data/random.ts';
import { below, mutated } from './mutate.ts';
import type { Target } from './target.ts';

const utf8 = new TextEncoder();

const ENCODERS: readonly ((image: Sharp) => Sharp)[] = [
  (image) => image.jpeg(),
  (image) => image.withMetadata({ orientation: 6 }).withIccProfile('p3').jpeg(),
  (image) => image.png(),
  (image) => image.webp(),
  (image) => image.webp({ lossless: true }),
  (image) => image.withMetadata({ orientation: 6 }).webp(),
  (image) => image.gif(),
  (image) => image.tiff(),
  (image) => image.tiff({ bigtiff: true }),
  (image) => image.avif({ effort: 0 }),
];

export async function pictureTarget(): Promise<Target> {
  const blank = sharp({ create: { width: 31, height: 17, channels: 3, background: '#48a' } });
  const encoded = await Promise.all(ENCODERS.map((encode) => encode(blank.clone()).toBuffer()));
  const sound = encoded.map((bytes) => new Uint8Array(bytes));
  const box = (type: string, content: Uint8Array) => {
    const head = new Uint8Array(8);
    new DataView(head.buffer).setUint32(0, content.length + 8);
    head.set(utf8.encode(type), 4);
    return joined(head, content);
  };
  const heif = (content: Uint8Array) =>
    joined(
      box('ftyp', utf8.encode('heicheic')),
      box('meta', joined(new Uint8Array(4), box('iprp', box('ipco', content)))),
    );
  sound.push(heif(box('ispe', new Uint8Array(12).fill(1))));
  return {
    name: 'picture',
    names: /^photo\.jpg /,
    make(random) {
      if (random() < 0.9) return mutated(sound, random);
      const times = below(random() < 0.02 ? 500_000 : 100, random);
      return pick(
        [
          () =>
            joined(
              Uint8Array.of(0xff, 0xd8),
              repeated(Uint8Array.of(0xff, pick([0xd0, 0xff, 0x01, 0xe1], random)), times),
            ),
          () =>
            heif(
              repeated(box(pick(['ispe', 'free', 'ipco'], random), new Uint8Array(below(16, random))), times),
            ),
          () =>
            joined(
              utf8.encode('II+\0'),
              Uint8Array.of(8, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0),
              repeated(Uint8Array.of(255), 8),
              new Uint8Array(20 * times),
            ),
        ],
        random,
      )();
    },
    read: (bytes) => readImageHeader(bytes, 'photo.jpg'),
  };
}
