// The frame that TensorFlow puts around each record of a file (tensorflow/core/lib/io/record_writer.h), all little-endian:
//
//   uint64 length · uint32 masked CRC-32C of the length · the data · uint32 masked CRC-32C of the data

import { crc32c } from './crc32c.ts';

const LENGTH = 8;
const CRC = 4;

export function record(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(LENGTH + CRC + data.length + CRC);
  const view = new DataView(frame.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(LENGTH, masked(crc32c(frame.subarray(0, LENGTH))), true);
  frame.set(data, LENGTH + CRC);
  view.setUint32(LENGTH + CRC + data.length, masked(crc32c(data)), true);
  return frame;
}

/** Turned and shifted, so that the checksum of data that holds checksums is not a trivial one. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
