// A model's licence, as the first lines of its model card say it.

export const MODEL_CARD = 'README.md';

/** `mit`, `apple-amlr`; null where the card says none. */
export function licenseOf(card: string): string | null {
  const [, matter = ''] = card.match(/^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/) ?? [];
  const field = (name: string) =>
    matter.match(new RegExp(`^${name}:[ \\t]*["']?([^"'\\r\\n]+?)["']?[ \\t]*$`, 'm'))?.[1] ?? null;
  const license = field('license');
  // “other” is what a hub calls those that it has no name for.
  return license === 'other' ? (field('license_name') ?? license) : license;
}
