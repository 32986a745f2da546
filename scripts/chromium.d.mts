/** The executable's path, or null with the reason printed in one line. */
export function findChromium(): Promise<string | null>;
