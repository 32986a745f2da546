import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { memorySource, tinyModel } from './fixtures/tiny-model.ts';
import * as clip from './index.ts';

test("the example in index.ts's head runs as it stands", async () => {
  const [head] = (await readFile(join(import.meta.dirname, 'index.ts'), 'utf8')).split('\nexport');
  const example = head
    .split('\n')
    .filter((line) => line.startsWith('//   ') || line === '//')
    .map((line) => line.slice(2))
    .join('\n');
  expect(example).toContain('rank(');

  const photo = clip.selfTestImage({ recipe: 'gradient-noise', seed: 3, width: 60, height: 45 });
  const lines: unknown[][] = [];
  const given = {
    ...clip,
    ort,
    photo,
    source: memorySource(await tinyModel()),
    console: { log: (...words: unknown[]) => lines.push(words) },
  };
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  await new AsyncFunction(...Object.keys(given), example)(...Object.values(given));

  expect(lines.length).toBe(2);
  for (const [label, probability] of lines) {
    expect(['cat', 'dog', 'a red flower']).toContain(label);
    expect(Number(probability)).toBeGreaterThan(0.2);
  }
});
