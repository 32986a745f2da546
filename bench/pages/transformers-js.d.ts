// What the benchmark uses of transformers.js. Its own types are there only once bench/package.json is installed, and the type
// check of the repository must not depend on that.

declare module '@huggingface/transformers' {
  interface Tensor {
    readonly data: Float32Array;
    readonly dims: readonly number[];
  }
  interface Score {
    readonly label: string;
    readonly score: number;
  }
  interface Classify {
    (image: Blob, labels: readonly string[]): Promise<Score[]>;
    (images: readonly Blob[], labels: readonly string[]): Promise<Score[][]>;
  }
  interface Picture {
    readonly width: number;
    readonly height: number;
  }
  type Inputs = Readonly<Record<string, Tensor>>;

  export const env: {
    readonly version: string;
    allowLocalModels: boolean;
    allowRemoteModels: boolean;
    localModelPath: string;
    readonly backends: {
      readonly onnx: {
        readonly wasm: { numThreads?: number; wasmPaths?: { readonly mjs: string; readonly wasm: string } };
      };
    };
  };
  export function pipeline(task: 'zero-shot-image-classification', model: string): Promise<Classify>;
  export const AutoTokenizer: {
    from_pretrained(
      model: string,
    ): Promise<(texts: readonly string[], options: { padding: boolean; truncation: boolean }) => Inputs>;
  };
  export const AutoProcessor: {
    from_pretrained(model: string): Promise<(image: Picture) => Promise<Inputs>>;
  };
  export const CLIPTextModelWithProjection: {
    from_pretrained(model: string): Promise<(inputs: Inputs) => Promise<{ readonly text_embeds: Tensor }>>;
  };
  export const CLIPVisionModelWithProjection: {
    from_pretrained(model: string): Promise<(inputs: Inputs) => Promise<{ readonly image_embeds: Tensor }>>;
  };
  export const RawImage: { fromBlob(blob: Blob): Promise<Picture> };
}
