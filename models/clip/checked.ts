// Everything that comes from outside passes a valibot schema once, where it enters; what does not fit is refused in one
// sentence that names the file, the field and what stood there.

import * as v from 'valibot';

/**
 * What a JSON file may be: CLIP's tokenizer.json, the largest that a model has, takes 4 MB, holds 200,000 values and is 6 deep.
 * JSON.parse makes up to a hundred bytes of a value that takes two, and a second's work of some millions.
 */
export const JSON_LIMITS = { bytes: 2 ** 25, values: 2 ** 19, depth: 64 } as const;

/** What a schema makes of `input`; throws `<fileName> was refused: <field>: <what was expected and found>`. */
export function checked<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  fileName: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const field = v.getDotPath(issue);
  throw new Error(
    `${fileName} was refused: ${field ? `${shown(field)}: ` : ''}${shown(issue.message, MESSAGE_LENGTH)}.`,
  );
}

/** Characters of what stood in a file that a sentence repeats: enough to find it by. */
const SHOWN_LENGTH = 80;
/** A schema's sentence lists what it expected, such as the names of all types. */
const MESSAGE_LENGTH = 300;

/** Text of a file as a sentence may repeat it: on one line, and cut where it is long. */
export function shown(text: string, most = SHOWN_LENGTH): string {
  const line = text.slice(0, most + 1).replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** The same between quotation marks. */
export const quoted = (text: string): string => JSON.stringify(shown(text));

/** Text that is not empty. */
export const text = v.pipe(v.string(), v.minLength(1));

/** To valibot a list is an object without fields: a section written as one would be taken for CLIP's own defaults. */
export const noList = v.pipe(
  v.unknown(),
  v.check((value) => !Array.isArray(value), 'expected an object, but found a list'),
);

/** An object with at least these fields, and no list. */
export function plainObject<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(noList, v.object(entries));
}

/** Bytes of a JSON file as a value; throws a sentence that names the file where they are no JSON, or beyond JSON_LIMITS. */
export function parseJson(bytes: Uint8Array, fileName: string): unknown {
  const unwieldy = beyondLimits(bytes);
  if (unwieldy) throw new Error(`${fileName} was refused: ${unwieldy}.`);
  const text = new TextDecoder().decode(bytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const found = `it begins with ${JSON.stringify(text.trimStart().slice(0, 20))}`;
    const reason = cause instanceof Error ? shown(cause.message, MESSAGE_LENGTH) : String(cause);
    throw new Error(`${fileName} was refused: it is not JSON (${found}): ${reason}.`, { cause });
  }
}

/** For files of JSON or of merges, before they are read: none is longer than JSON may be. */
export function refuseLongText(bytes: number, fileName: string): void {
  if (bytes <= JSON_LIMITS.bytes) return;
  throw new Error(`${fileName} was refused: ${tooLong(bytes)}.`);
}

const tooLong = (bytes: number): string => `it has ${bytes} bytes; at most ${JSON_LIMITS.bytes} are read`;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];

/** Counts brackets and commas outside of strings, before JSON.parse makes anything of them; null where all is within its limits. */
function beyondLimits(bytes: Uint8Array): string | null {
  if (bytes.length > JSON_LIMITS.bytes) return tooLong(bytes.length);
  let inString = false;
  let depth = 0;
  let values = 1;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === COMMA) values++;
    // [ and { differ in one bit, and so do ] and }.
    else if ((byte | 0x20) === 0x7b) {
      values++;
      if (++depth > JSON_LIMITS.depth) return `its JSON is more than ${JSON_LIMITS.depth} deep`;
    } else if ((byte | 0x20) === 0x7d) depth--;
  }
  return values > JSON_LIMITS.values ? `it holds more than ${JSON_LIMITS.values} values` : null;
}
