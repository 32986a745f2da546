// Models that others have published and that the page runs as they are: what each is good for, and about what it weighs, by their
// repositories on huggingface.co in autumn 2026. How many bytes come is said by the hub when one is added.

import type { Precision } from '../../models/clip/types.ts';

export interface PublishedModel {
  readonly id: string;
  readonly name: string;
  /** One sentence. */
  readonly goodFor: string;
  readonly license: string;
  /** What to have of it. */
  readonly precision: Precision;
  /** Of both encoders and the tokenizer. */
  readonly bytes: number;
}

export const PUBLISHED: readonly PublishedModel[] = [
  {
    id: 'onnx-community/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M-ONNX',
    name: 'TinyCLIP 8M/16',
    goodFor: 'Small and quick, and knows far more things than the site’s own.',
    license: 'MIT',
    precision: 'q8',
    bytes: 27e6,
  },
  {
    id: 'Xenova/clip-vit-base-patch32',
    name: 'CLIP ViT-B/32',
    goodFor: 'OpenAI’s own, the one that most people mean by CLIP.',
    license: 'MIT',
    precision: 'q8',
    bytes: 156e6,
  },
  {
    id: 'Xenova/clip-vit-base-patch16',
    name: 'CLIP ViT-B/16',
    goodFor: 'Sees four times the detail of ViT-B/32 and takes four times as long for it.',
    license: 'MIT',
    precision: 'q8',
    bytes: 154e6,
  },
  {
    id: 'Xenova/clip-vit-large-patch14',
    name: 'CLIP ViT-L/14',
    goodFor: 'The most exact of these; for fast computers with memory to spare.',
    license: 'MIT',
    precision: 'q8',
    bytes: 433e6,
  },
  // Their image encoders in 8 bits give wrong vectors, so that they come whole.
  {
    id: 'Xenova/mobileclip_s0',
    name: 'MobileCLIP S0',
    goodFor: 'Made by Apple for telephones: about as exact as ViT-B/16 and much quicker.',
    license: 'Apple’s own, for research',
    precision: 'fp32',
    bytes: 218e6,
  },
  {
    id: 'Xenova/mobileclip_s2',
    name: 'MobileCLIP S2',
    goodFor: 'More exact than ViT-B/16, and still quicker.',
    license: 'Apple’s own, for research',
    precision: 'fp32',
    bytes: 399e6,
  },
];
