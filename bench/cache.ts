/** What the benchmark makes and keeps for its next run: model folders, the built pages. Paths are relative to the repository. */
export const CACHE = 'node_modules/.cache/bench';
