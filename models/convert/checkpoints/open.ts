// Opens whatever checkpoint a person names, by what the file begins with and not by its name's ending.

import { openRangeFile, type RangeFile } from '../../files/range-file.ts';
import { openSafetensorsFile } from '../../files/safetensors-file.ts';
import type { Checkpoint } from './checkpoint.ts';
import { openShards } from './shards.ts';
import { openTorchArchive } from './torch-archive.ts';

const [ZIP, JSON_OBJECT, PICKLE] = [0x50, 0x7b, 0x80];
const ADVICE = 'Name a checkpoint: a .safetensors, .pt or .bin file, or a folder with one.';
const SHARDS = /\.index\.json$/;

/**
 * @param advice what to do where there is no such file, or another one
 * @throws a sentence with the file, where it is no checkpoint or is damaged
 */
export async function openCheckpoint(path: string, advice = ADVICE): Promise<Checkpoint> {
  const file = await openRangeFile(path, advice);
  try {
    return await openCheckpointFile(file, advice);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The same of a file that is open already; where it is refused, it stays open. */
export async function openCheckpointFile(file: RangeFile, advice = ADVICE): Promise<Checkpoint> {
  const head = await file.read(0, Math.min(9, file.bytes));
  if (head[0] === ZIP && head[1] === 0x4b) return openTorchArchive(file);
  if (head[8] === JSON_OBJECT) return openSafetensorsFile(file);
  if (SHARDS.test(file.path)) return openShards(file);
  const found =
    head[0] === PICKLE
      ? 'it is a pickle without an archive, as PyTorch wrote them before version 1.6; load it there and save it anew.'
      : `it begins neither as a safetensors file nor as an archive of PyTorch. ${advice}`;
  throw new Error(`${file.path} was refused: ${found}`);
}
