// npm run -s embed -- --model public/models/promptlens-mini --images cat.jpg dog.jpg --texts 'a photo of a cat.' --json
//
// Unit vectors of pictures and texts, for anyone who wants to compare us with another implementation. Texts go in as they are:
// no template is put around them.

import { decodeImage } from '../files/decode-image.ts';
import { readNamedFile } from '../files/folder.ts';
import { openModel, type UnitVector } from '../inference/model.ts';
import { embedPictures } from '../inference/pictures.ts';
import { command, runWhereMain, UsageError } from './arguments.ts';
import { MODEL_OPTIONS } from './model-options.ts';

export const embed = command({
  name: 'embed',
  summary: 'Prints the unit vectors of pictures and texts, one a line, in the order given.',
  options: {
    ...MODEL_OPTIONS,
    images: { kind: 'list', form: 'words', value: 'file', help: 'pictures' },
    texts: { kind: 'list', form: 'words', value: 'text', help: 'texts, each in quotes' },
    json: { kind: 'flag', help: 'print {"kind","input","vector"} a line, the vector whole' },
  },
  run: async ({ model: path, images = [], texts = [], precision, threads, json }) => {
    if (images.length + texts.length === 0)
      throw new UsageError('--images or --texts is needed: there is nothing to embed.');
    const model = await openModel(path, { precision, threads });
    const print = (kind: 'image' | 'text', input: string, vector: UnitVector) => {
      // Nine digits give back the same 32-bit number.
      const numbers = Array.from(vector, (value) => Number(value.toPrecision(9)));
      if (json) console.log(JSON.stringify({ kind, input, vector: numbers }));
      else
        console.log(
          `${kind}  ${input}  [${vector.length}]  ${numbers.slice(0, 4).map((v) => v.toFixed(4))} …`,
        );
    };
    let failed = 0;
    try {
      const load = async (index: number) =>
        decodeImage(await readNamedFile(images[index], 'Name pictures in --images.'), images[index]);
      for await (const picture of embedPictures(model, images.length, load)) {
        if ('vector' in picture) print('image', images[picture.index], picture.vector);
        else {
          failed++;
          console.error(picture.error.message);
        }
      }
      if (texts.length > 0) {
        for (const text of texts.filter((each) => model.tokenizer.encode(each).truncated)) {
          console.error(
            `${JSON.stringify(text)} is longer than ${model.tokenizer.contextLength} tokens and was cut.`,
          );
        }
        for (const [i, vector] of (await model.embedTexts(texts)).entries()) print('text', texts[i], vector);
      }
    } finally {
      await model.close();
    }
    if (failed > 0) throw new Error(`${failed} of ${images.length} pictures could not be embedded.`);
  },
});

await runWhereMain(import.meta, embed);
