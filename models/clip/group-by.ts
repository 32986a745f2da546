/** Values under each of their keys, in their order; Map.groupBy, which Node 20 lacks, for values that may have several. */
export function groupBy<Value, Key>(
  values: Iterable<Value>,
  keysOf: (value: Value) => readonly Key[],
): Map<Key, Value[]> {
  const groups = new Map<Key, Value[]>();
  for (const value of values)
    for (const key of keysOf(value)) {
      const group = groups.get(key);
      if (group) group.push(value);
      else groups.set(key, [value]);
    }
  return groups;
}
