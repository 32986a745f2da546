// An archive of stored files, written by hand so that its lengths, places and counts can lie (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16).

export interface StoredEntry {
  readonly name: string;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** Asked about each number of the archive's headers; what it returns is written in its place. */
export type Lie = (number: number) => number;

export function zipOf(
  entries: readonly StoredEntry[],
  lie: Lie = (number) => number,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, content } of entries) {
    const path = new TextEncoder().encode(name);
    /** Flags to the length of the extra field, which both headers have; of time, date and checksum nobody asks. */
    const common = () => [
      ...[u16(lie(0)), u16(lie(0)), u32(0), u32(0), u32(lie(content.length)), u32(lie(content.length))],
      ...[u16(lie(path.length)), u16(lie(0))],
    ];
    const offset = at;
    const local = joined(u32(0x04034b50), u16(20), ...common(), path, content);
    at += local.length;
    parts.push(local);
    directory.push(
      joined(
        u32(0x02014b50),
        u16(20),
        u16(20),
        ...common(),
        u16(lie(0)),
        u32(0),
        u32(0),
        u32(lie(offset)),
        path,
      ),
    );
  }
  const listed = joined(...directory);
  const end = joined(
    ...[u32(0x06054b50), u32(0), u16(lie(entries.length)), u16(lie(entries.length))],
    ...[u32(lie(listed.length)), u32(lie(at)), u16(lie(0))],
  );
  return joined(...parts, listed, end);
}

const joined = (...parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
const u16 = (value: number) => new Uint8Array(Uint16Array.of(value).buffer);
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
