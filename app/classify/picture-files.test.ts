import { expect, it } from 'vitest';
import { HEADER_BYTES, LONG_HEADER_BYTES } from './limits.ts';
import { type Checked, checkFiles, type LeftOut } from './picture-files.ts';

/** A file of any size that has no more in memory than its beginning, and tells how much of it is asked for. */
function largeFile(name: string, beginning: readonly number[], size: number, reads: Reads): File {
  const file = new File([Uint8Array.from(beginning)], name);
  Object.defineProperty(file, 'size', { value: size });
  const whole = file.arrayBuffer.bind(file);
  file.stream = () => {
    let at = 0;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size - at));
      chunk.set(beginning.slice(at, at + chunk.length));
      at += chunk.length;
      reads.most = Math.max(reads.most, at);
      controller.enqueue(chunk);
      if (at === size) controller.close();
    };
    return new ReadableStream({ pull }, { highWaterMark: 0 });
  };
  file.arrayBuffer = async () => {
    reads.most = Math.max(reads.most, size);
    reads.abreast += 1;
    reads.mostAbreast = Math.max(reads.mostAbreast, reads.abreast);
    await new Promise((resolve) => setTimeout(resolve, 1));
    reads.abreast -= 1;
    return whole();
  };
  file.slice = () => {
    throw new Error('A part of a file keeps the thread waiting in Chromium.');
  };
  return file;
}

const CHUNK_BYTES = 65_536;

interface Reads {
  /** The most bytes that were asked for of one file. */
  most: number;
  /** Files that are being read whole. */
  abreast: number;
  mostAbreast: number;
}

async function check(files: readonly File[]): Promise<Checked> {
  const pictures: File[] = [];
  const leftOut: LeftOut[] = [];
  for await (const some of checkFiles(files)) {
    pictures.push(...some.pictures);
    leftOut.push(...some.leftOut);
  }
  return { pictures, leftOut };
}

const newReads = (): Reads => ({ most: 0, abreast: 0, mostAbreast: 0 });

const ascii = (text: string) => [...text].map((character) => character.charCodeAt(0));
const FILM = [0, 0, 0, 24, ...ascii('ftypisom'), 0, 0, 2, 0, ...ascii('isommp42')];
const JPEG_SEGMENT = [0xff, 0xe1, 0xff, 0xff, ...new Array<number>(0xfffd).fill(0)];
const JPEG_FRAME = [0xff, 0xc0, 0, 11, 8, 0, 10, 0, 20, 1, 1, 0x11, 0];
const LONG_JPEG = [0xff, 0xd8, ...new Array(10).fill(JPEG_SEGMENT).flat(), ...JPEG_FRAME];

it('reads no more of films than their beginning', async () => {
  const reads = newReads();
  const films = Array.from({ length: 20 }, (_, i) => largeFile(`${i}.mp4`, FILM, 4e9, reads));
  const { pictures, leftOut } = await check(films);
  expect(pictures).toEqual([]);
  expect(leftOut).toHaveLength(20);
  expect(leftOut[0]?.reason).toContain('0.mp4 is not a photograph that can be read: it is a film');
  expect(reads.most).toBe(HEADER_BYTES);
});

it('reads on where a header goes on, one file at a time', async () => {
  const reads = newReads();
  const photographs = Array.from({ length: 4 }, (_, i) => largeFile(`${i}.jpg`, LONG_JPEG, 9e6, reads));
  const { pictures } = await check(photographs);
  expect(pictures).toHaveLength(4);
  expect(reads).toMatchObject({ most: 9e6, mostAbreast: 1 });
});

it('refuses a file that is too large to look for its size', async () => {
  const reads = newReads();
  const { leftOut } = await check([largeFile('wall.jpg', LONG_JPEG, LONG_HEADER_BYTES + 1, reads)]);
  expect(leftOut[0]?.reason).toContain('wall.jpg is too large a file: its JPEG header');
  expect(leftOut[0]?.reason).toContain('within 512 kB, and more is read only of files under 256 MB.');
  expect(reads.most).toBe(HEADER_BYTES);
});

it('names a file that the browser cannot read', async () => {
  const locked = new File([], 'locked.jpg');
  const failure = new DOMException('The requested file could not be read.', 'NotReadableError');
  locked.stream = () => new ReadableStream({ start: (controller) => controller.error(failure) });
  const { pictures, leftOut } = await check([locked]);
  expect(pictures).toEqual([]);
  expect(leftOut).toEqual([
    { name: 'locked.jpg', reason: expect.stringContaining('locked.jpg could not be read: it was moved') },
  ]);
});
