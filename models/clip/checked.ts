// Everything that comes from outside passes a valibot schema once, where it enters; what does not fit is refused in one
// sentence that names the file, the field and what stood there.

import * as v from 'valibot';

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
  throw new Error(`${fileName} was refused: ${field ? `${field}: ` : ''}${issue.message}.`);
}

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

/** Bytes of a JSON file as a value; throws a sentence that names the file where they are no JSON. */
export function parseJson(bytes: Uint8Array, fileName: string): unknown {
  const text = new TextDecoder().decode(bytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    const start = text.trimStart().slice(0, 20);
    throw new Error(
      `${fileName} was refused: it is not JSON (it begins with ${JSON.stringify(start)}): ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
