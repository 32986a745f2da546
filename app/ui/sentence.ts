/** What went wrong, for a person: our errors are sentences. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
