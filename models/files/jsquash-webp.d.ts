// The package's own types ask for the DOM's, and do not say that the WebAssembly may be handed over, which Node has to.
declare module '@jsquash/webp/decode.js' {
  export function init(options: { wasmBinary: Uint8Array }): Promise<void>;
  /** RGBA. Rejects where `bytes` is no whole picture. */
  export default function decode(
    bytes: Uint8Array,
  ): Promise<{ readonly width: number; readonly height: number; readonly data: Uint8ClampedArray }>;
}
