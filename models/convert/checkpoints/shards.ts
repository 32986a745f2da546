// Several safetensors files as one checkpoint, of which an index says what lies where (transformers,
// `model.safetensors.index.json`).

import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { checked, parseJson, quoted, refuseLongText, shown } from '../../clip/checked.ts';
import { openRangeFile, type RangeFile } from '../../files/range-file.ts';
import { openSafetensorsFile } from '../../files/safetensors-file.ts';
import type { Checkpoint } from './checkpoint.ts';

const WHOLE = 'Fetch it too: all files that the index names belong together.';

/** Of a file beside the index, as every disk takes it. */
const PLAIN_NAME = /^[\w.-]{1,200}\.safetensors$/;

const Index = v.object({ weight_map: v.record(v.string(), v.string()) });

/** @param index whose files lie beside it */
export async function openShards(index: RangeFile): Promise<Checkpoint> {
  refuseLongText(index.bytes, index.path);
  const { weight_map: map } = checked(
    Index,
    parseJson(await index.read(0, index.bytes), index.path),
    index.path,
  );
  await index.close();
  const names = [...new Set(Object.values(map))];
  const elsewhere = names.find((name) => !PLAIN_NAME.test(name));
  if (elsewhere !== undefined) {
    throw new Error(
      `${index.path} was refused: it names ${quoted(elsewhere)}; a .safetensors file beside it was expected.`,
    );
  }
  const shards = new Map<string, Checkpoint>();
  const opened: RangeFile[] = [];
  const close = async () => {
    for (const file of opened) await file.close();
  };
  try {
    for (const name of names) {
      const file = await openRangeFile(join(dirname(index.path), name), WHOLE);
      opened.push(file);
      shards.set(name, await openSafetensorsFile(file));
    }
    const tensors = new Map(
      Object.entries(map).map(([tensor, name]) => {
        const info = shards.get(name)?.tensors.get(tensor);
        if (!info)
          throw new Error(
            `${index.path} was refused: it has ${shown(tensor)} in ${shown(name)}, which does not hold it.`,
          );
        return [tensor, info] as const;
      }),
    );
    return {
      name: index.path,
      tensors,
      async read(tensor) {
        const shard = shards.get(map[tensor]);
        if (!shard) throw new Error(`${index.path} holds no tensor ${tensor}.`);
        return shard.read(tensor);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
