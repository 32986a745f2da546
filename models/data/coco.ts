/**
 * COCO's captions: one JSON file with `images` (id, file_name) and `annotations` (image_id, caption), the pictures in a folder
 * beside it. A picture is one row with all its captions.
 */
import { basename, dirname, extname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { counted, inUtf8, type LeftOut, leaveOut } from './left-out.ts';
import { firstWayThatFinds, pictureSource } from './picture-rows.ts';
import type { PairSource } from './types.ts';

const Id = v.union([v.number(), v.string()]);

const Captions = v.object({
  images: v.array(v.object({ id: Id, file_name: v.pipe(v.string(), v.minLength(1)) })),
  // Of the kinds of annotations that COCO has, boxes and keypoints come without a caption.
  annotations: v.array(v.object({ image_id: Id, caption: v.nullish(v.string(), '') })),
});

/** @param content the file's JSON, parsed */
export async function openCoco(
  path: string,
  content: unknown,
  onLeftOut: (message: string) => void,
): Promise<PairSource> {
  const parsed = v.safeParse(Captions, content);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new Error(
      `Reading ${path}: found ${issue.received} at ${v.getDotPath(issue) ?? 'the top'}, expected COCO's captions: images with id and file_name, annotations with image_id and caption. Name a captions file.`,
    );
  }
  const { images, annotations } = parsed.output;
  // A picture that is listed twice, as in lists that were put together, is one row all the same.
  const captionsIn = new Map(images.map(({ file_name }) => [file_name, new Set<string>()]));
  const captionsOf = new Map(images.map(({ id, file_name }) => [id, captionsIn.get(file_name)]));
  const leftOut: LeftOut = new Map();
  for (const { image_id, caption } of annotations) {
    const captions = captionsOf.get(image_id);
    const sentence = caption.trim();
    if (sentence === '') leaveOut(leftOut, 'annotation without a caption');
    else if (!captions) leaveOut(leftOut, 'annotation of a picture that is not listed');
    else if (inUtf8([sentence], leftOut).length > 0) captions.add(sentence);
  }
  const rows = Array.from(captionsIn).flatMap(([file_name, captions]) => {
    if (captions.size > 0) return [{ file_name, captions: [...captions] }];
    leaveOut(leftOut, 'picture without a caption');
    return [];
  });
  if (rows.length === 0)
    throw new Error(
      `Reading ${path}: found no picture with a caption${leftOut.size > 0 ? ` but ${counted(leftOut)}` : ''}, expected COCO's captions (captions_train2017.json, not instances or keypoints). Name a captions file.`,
    );
  if (leftOut.size > 0)
    onLeftOut(
      `Reading ${path}: left out ${counted(leftOut)}, expected a caption or more for each picture, in UTF-8.`,
    );

  const place = await findPictures(
    path,
    rows.map(({ file_name }) => file_name),
  );
  const dataSet = basename(path, extname(path));
  return pictureSource(
    path,
    dataSet,
    rows.map(({ file_name, captions }) => ({
      id: `${dataSet}/${file_name}`,
      labels: [],
      captions,
      picture: { path: place(file_name) },
    })),
  );
}

/** captions_train2017.json → train2017: the folder in which COCO's own archives unpack its pictures. */
const SPLIT = /(?:train|val|test)\d*/i;

async function findPictures(path: string, files: readonly string[]): Promise<(file: string) => string> {
  const folder = dirname(resolve(path));
  const split = SPLIT.exec(basename(path))?.[0];
  const ways = [
    folder,
    ...(split === undefined ? [] : [join(folder, '..', split)]),
    join(folder, 'images'),
  ].map((tried) => (file: string) => join(tried, file));
  const found = await firstWayThatFinds(ways, files);
  if (found) return found;
  throw new Error(
    `Reading ${path}: found none of the first pictures that it lists; looked for ${ways.map((way) => way(files[0])).join(', ')}. Put the pictures into one of these folders, or link it there.`,
  );
}
