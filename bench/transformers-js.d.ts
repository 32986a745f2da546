// What is used here of transformers.js. Its own types are there only once bench/package.json is installed, and the type check of
// the repository must not depend on that.

declare module '@huggingface/transformers' {
  export class Tensor<Data extends Float32Array | BigInt64Array = Float32Array> {
    constructor(type: Data extends Float32Array ? 'float32' : 'int64', data: Data, dims: readonly number[]);
    readonly data: Data;
    readonly dims: readonly number[];
  }
  interface Score {
    readonly label: string;
    readonly score: number;
  }
  interface Classify {
    (image: Blob | RawImage, labels: readonly string[]): Promise<Score[]>;
    (images: readonly Blob[], labels: readonly string[]): Promise<Score[][]>;
    dispose(): Promise<unknown>;
  }
  interface Encoder<Input, Output> {
    (inputs: Input): Promise<Output>;
    dispose(): Promise<unknown>;
  }
  interface Texts {
    readonly input_ids: Tensor<BigInt64Array>;
    readonly attention_mask: Tensor<BigInt64Array>;
  }
  interface Pictures {
    readonly pixel_values: Tensor;
  }

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
    ): Promise<(texts: readonly string[], options: { padding: boolean; truncation: boolean }) => Texts>;
  };
  export const AutoProcessor: {
    from_pretrained(model: string): Promise<(image: RawImage) => Promise<Pictures>>;
  };
  export const CLIPTextModelWithProjection: {
    from_pretrained(model: string): Promise<Encoder<Texts, { readonly text_embeds: Tensor }>>;
  };
  export const CLIPVisionModelWithProjection: {
    from_pretrained(model: string): Promise<Encoder<Pictures, { readonly image_embeds: Tensor }>>;
  };
  export class RawImage {
    constructor(data: Uint8Array | Uint8ClampedArray, width: number, height: number, channels: 3 | 4);
    static fromBlob(blob: Blob): Promise<RawImage>;
  }
}
