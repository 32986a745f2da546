// What the product costs over the runtime that it stands on: both encoders of ViT-B/32's size in 8 bits (the image encoder is 90 MB)
// loaded, and photographs from files in memory to vectors, decoding and preprocessing counted on both sides.

import { withPage } from '../browser.ts';
import { milliseconds, type Row, times } from '../report.ts';
import { interleaved, median } from '../statistics.ts';
import type { Setting } from './setting.ts';

const FLOOR = 1.2;

interface Sample {
  readonly load: number;
  readonly photographs: number;
}

export async function bareRuntime({ browser, site, vitB32, threads, quick }: Setting): Promise<Row> {
  const count = quick ? 2 : 20;
  const asked = { model: vitB32.name, addresses: site.photographs, count, side: vitB32.imageSize, threads };
  const samples = await interleaved(
    {
      ours: () =>
        withPage(browser, site.ours, (page) =>
          page.evaluate(async ({ model, addresses, count }): Promise<Sample> => {
            await window.ours.fetchPhotographs(addresses);
            const start = performance.now();
            await window.ours.load(model);
            return { load: performance.now() - start, photographs: await window.ours.rank(0, count) };
          }, asked),
        ),
      bare: () =>
        withPage(browser, site.bare, (page) =>
          page.evaluate(async ({ model, addresses, count, side, threads }): Promise<Sample> => {
            await window.bare.fetchPhotographs(addresses);
            const load = await window.bare.load(model, threads);
            return { load, photographs: await window.bare.embed(count, side) };
          }, asked),
        ),
    },
    quick ? { rounds: 1 } : { rounds: 7, warmUp: 1 },
  );
  const of = (some: readonly Sample[], part: keyof Sample) => median(some.map((sample) => sample[part]));
  const whole = (some: readonly Sample[]) => median(some.map(({ load, photographs }) => load + photographs));
  const ratio = whole(samples.ours) / whole(samples.bare);
  const side = (who: string, some: readonly Sample[], does: string) => ({
    who,
    figure: milliseconds(whole(some)),
    does: `${does}; loaded after ${milliseconds(of(some, 'load'))}, photographs ${milliseconds(of(some, 'photographs'))}; WASM, ${threads} thread(s)`,
    samples: some,
  });
  return {
    what: `loading and ${count} photographs beside the bare runtime, ${vitB32.title}`,
    floor: `${FLOOR} × its time`,
    measured: times(ratio),
    pass: ratio <= FLOOR,
    sides: [
      side('ours', samples.ours, 'the inference client: tokenizer, checked files and self-test included'),
      side('onnxruntime-web', samples.bare, 'two sessions and a canvas, one photograph after the other'),
    ],
  };
}
