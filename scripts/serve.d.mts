export interface ServeOptions {
  /** The built page; dist by default. */
  readonly root?: string;
  /** A free port is taken where this one is not free; 0: any. */
  readonly port?: number;
  readonly prefix?: string;
  /** False: no security headers, as plain static hosting. */
  readonly isolation?: boolean;
}
export function serve(options?: ServeOptions): Promise<{ readonly url: string; close(): Promise<void> }>;
