/** The names in one label: synonyms, or a fine and a coarse name, separated by "; "; underscores stand for spaces. */
export function parseLabel(label: string): string[] {
  const names = label.split(';').map((name) => name.replaceAll('_', ' ').trim().replace(/\s+/g, ' '));
  return [...new Set(names.filter((name) => name !== ''))];
}
