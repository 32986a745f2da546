// Every limit of the classify view, with its reason.

/** ImageNet's classes twice over; beyond it the address grows past what browsers and chat programs carry. */
export const MAX_LABELS = 2_000;

/** The longest list in use is OpenAI's, with 80 templates for ImageNet. */
export const MAX_TEMPLATES = 100;

/** ImageNet's 1,000 classes in those 80. A device keeps vectors of no more than 100,000 prompts and photographs of one model. */
export const MAX_PROMPTS = 80_000;

/** No context of a published CLIP (77 tokens) holds more than this in words. */
export const MAX_WORDS_LENGTH = 400;

/** Chromium refuses addresses over 2 MiB; half of it leaves room for the address itself. */
export const MAX_FRAGMENT_LENGTH = 1_000_000;

/** Chips are for a list that one can look over. Each costs its drag and drop; a longer list is edited as text. */
export const MAX_CHIPS = 60;

/** Prompts in one request: a few full batches for the text tower, and a thousand labels are few requests. */
export const PROMPTS_A_REQUEST = 64;

/**
 * Prompts come back in hundreds of batches, and each batch changes every ranking. After ranking them anew the thread rests this
 * many times as long as that took, and the batches that come meanwhile are taken together; with few labels that is no time.
 */
export const REST_AFTER_BATCH = 3;

/** Labels kept in order for each photograph; cards and the table show no more. */
export const TOP_LABELS = 5;

/** Milliseconds of arithmetic before the page's thread is given back: half a frame at 60 Hz. */
export const SLICE_MS = 8;

/** Pixels of a thumbnail's short side: the widest card on a screen with two device pixels a CSS pixel. */
export const THUMBNAIL_SIZE = 480;

/** Thumbnails kept in memory, about 40 kB each. */
export const MAX_THUMBNAILS = 600;

/** Bytes that hold a picture's size, whatever EXIF and colour profile stand before it, of nearly every file. */
export const HEADER_BYTES = 512 * 1024;

/** A file whose size in pixels stands further back is read up to here: a TIFF of 80 megapixels has its directory at its end. */
export const LONG_HEADER_BYTES = 256 * 1024 ** 2;
