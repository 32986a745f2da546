// CLIP as pure functions on typed arrays: what a stranger's project imports. It runs in a page, a worker and Node, and knows
// no runtime; the encoders are run by whatever onnxruntime is at hand. The whole way of a photograph and three labels:
//
//   const folder = await readModelFolder(source); // a FolderSource: a directory, an address, the browser's own storage
//   const run = async (encoder, feeds) => {
//     const [precision] = folder.precisions;
//     const graph = await folder.read(encoderPath(encoder, precision));
//     checkEncoder(folder, encoder, precision, graph); // before a runtime gets what anybody made
//     const session = await ort.InferenceSession.create(graph);
//     const { output } = bindEncoder(encoder, session, folder);
//     const { data, dims: [rows, dim] } = (await session.run(feeds))[output];
//     return Array.from({ length: rows }, (_, row) => normalize(data.subarray(row * dim, (row + 1) * dim)));
//   };
//
//   const { width, height } = imageSize(folder.preprocessing);
//   const pixels = preprocess(photo, folder.preprocessing); // an RgbImage in, planar numbers out
//   const [image] = await run('vision_model', { pixel_values: new ort.Tensor('float32', pixels, [1, 3, height, width]) });
//
//   const labels = ['cat', 'dog', 'a red flower'];
//   const templates = ['a photo of a {}.', 'a picture with a {} in it.'];
//   const { input_ids, dims } = folder.tokenizer.encodeBatch(expandPrompts(labels, templates));
//   const prompts = await run('text_model', { input_ids: new ort.Tensor('int64', input_ids, dims) });
//
//   const ranked = rank(image, ensemble(prompts, templates.length), { logitScale: folder.logitScale, topK: 2 });
//   for (const { index, probability } of ranked) console.log(labels[index], probability.toFixed(3));

export { checkEncoder } from './check-encoder.ts';
export {
  type ClipConfig,
  type FolderConfig,
  isModifiedResNet,
  type ModifiedResNetConfig,
  parseClipConfig,
  parseFolderConfig,
  type TextConfig,
  type VisionConfig,
  type VisionTransformerConfig,
} from './config.ts';
export { bindEncoder, type EncoderBinding, type GraphSignature, textInputs } from './encoder-binding.ts';
export { encoderFiles, encoderPath, PRECISIONS, precisionsOf } from './encoder-files.ts';
export { checkGraph, type GraphSummary } from './graph-check.ts';
export { type ImageHeader, MAX_PIXELS, readImageHeader } from './image-header.ts';
export { type Manifest, modelKeyOf, parseManifest, verifyFile } from './manifest.ts';
export { type ModelFolder, readModelFolder } from './model-folder.ts';
export { cleanPastedText } from './paste.ts';
export { imageSize, parsePreprocessorConfig, preprocess } from './preprocess.ts';
export { expandPrompts, fillTemplate, hasPlace, TEMPLATE_SETS, type TemplateSet } from './prompts.ts';
export {
  cosine,
  cosines,
  createCosineTable,
  ensemble,
  normalize,
  packVectors,
  type RankedLabel,
  rank,
  rankCosines,
} from './ranking.ts';
export { readSafetensors, type Tensor, writeSafetensors } from './safetensors.ts';
export { checkSelfTest, parseSelfTest, SELF_TEST_FLOOR, type SelfTest, selfTestImage } from './selftest.ts';
export { parseTokenizer } from './tokenizer.ts';
export type {
  Encoder,
  Encoding,
  EncodingBatch,
  FolderFile,
  FolderSource,
  PixelSource,
  Precision,
  Preprocessing,
  RgbImage,
  Tokenizer,
} from './types.ts';
export { learnVocabulary } from './vocabulary.ts';
