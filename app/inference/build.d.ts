/** The WebAssembly files of onnxruntime-web as this build ships them; vite.config.ts measures them. */
declare const ONNXRUNTIME_FILES: Readonly<
  Record<
    import('./plan.ts').RuntimeBuild,
    { readonly name: string; readonly bytes: number; readonly sha256: string }
  >
>;
