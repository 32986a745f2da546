// The words that every room of Promptlens shares. Types only: importing this file costs nothing at run time.

/** A picture as rows of interleaved 8-bit RGB, upright, without alpha. `data.length === channels * width * height`. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** Bytes a pixel: 3, or 4 as a browser's canvas hands them over; the fourth means nothing. */
  readonly channels: 3 | 4;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A decoded picture that hands over its pixels piece by piece, so that a large one does not lie in memory twice. */
export interface PixelSource {
  readonly width: number;
  readonly height: number;
  /** A rectangle of pixels, wholly inside the picture; valid until the next call. */
  read(left: number, top: number, width: number, height: number): RgbImage;
}

/** The precisions that a model folder may hold, by the names that the field uses. */
export type Precision = 'fp32' | 'fp16' | 'int8' | 'uint8' | 'q8' | 'q4' | 'q4f16' | 'bnb4';

/** The two encoders of a CLIP. */
export type Encoder = 'vision_model' | 'text_model';

/** One prompt as token ids, start and end tokens included. */
export interface Encoding {
  readonly ids: number[];
  /** True where the prompt was longer than the context and lost its tail (the end token is kept). */
  readonly truncated: boolean;
}

/** Prompts padded to the longest among them, as `text_model.onnx` takes them. */
export interface EncodingBatch {
  /** [batch, sequence], row by row. */
  readonly input_ids: BigInt64Array<ArrayBuffer>;
  /** [batch, sequence]: 1 for a token, 0 for padding; for graphs that ask for it. */
  readonly attention_mask: BigInt64Array<ArrayBuffer>;
  readonly dims: readonly [batch: number, sequence: number];
  readonly truncated: readonly boolean[];
}

/** CLIP's byte-pair encoding with one folder's vocabulary. */
export interface Tokenizer {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly bosTokenId: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  encode(text: string): Encoding;
  encodeBatch(texts: readonly string[]): EncodingBatch;
  decode(ids: Iterable<number>): string;
}

/** What preprocessor_config.json asks for, checked and with defaults filled in. */
export interface Preprocessing {
  /** Resize the short side to this, or to exactly {width, height}; null leaves the size alone. */
  readonly resize:
    | { readonly shortestEdge: number }
    | { readonly width: number; readonly height: number }
    | null;
  /** Centre crop, and so the size of pixel_values; equal to `resize` where the folder asks for no crop. */
  readonly crop: { readonly width: number; readonly height: number };
  readonly resample: 'bicubic' | 'bilinear';
  /** Multiplies an 8-bit value; 1/255 as a rule. */
  readonly rescaleFactor: number;
  /** Per channel, after rescaling: (value - mean) / std. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** A file of a folder, by its plain path inside it, such as `onnx/vision_model.onnx`. */
export interface FolderFile {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex where it is known (manifest.json). */
  readonly sha256?: string;
}

/**
 * A folder of files wherever it lies: a directory, a URL, the browser's own storage. Nothing else in Promptlens knows
 * where a model comes from.
 */
export interface FolderSource {
  /** For messages: the folder as its user named it. */
  readonly name: string;
  /** The model's, where it is not the part of `name` behind the last `/`: Windows separates with another sign. */
  readonly modelName?: string;
  list(): Promise<FolderFile[]>;
  /** The whole file; rejects with a sentence that names it where it is missing. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Bytes [start, end) of a file. */
  readRange(path: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}
