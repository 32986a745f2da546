import { describe, expect, it } from 'vitest';
import { csvCell, csvLines, exportName, jsonPieces } from './export.ts';
import { rankPhoto } from './ranking.ts';

const SET = {
  labels: ['cat', '=1+1'],
  vectors: [],
  indexOf: new Map([
    ['cat', 0],
    ['=1+1', 1],
  ]),
};
const PHOTOS = [
  {
    name: 'a "cat", asleep.jpg',
    id: 'c0ffee',
    result: { state: 'ranked', ranking: rankPhoto(SET, Float32Array.of(0.25, -0.125), 10, []) },
  },
  { name: 'bad.jpg', id: 'bad', result: { state: 'failed', reason: 'It is damaged.' } },
  { name: 'new.jpg', id: null, result: { state: 'waiting' } },
] as const;
const CONTEXT = {
  labels: SET.labels,
  templates: ['a photo of a {}.'],
  report: { model: 'mini', modelKey: 'k', precision: 'q8', backend: 'wasm', logitScale: 10 },
} as const;

describe('CSV', () => {
  it('quotes cells and has a line for every photograph', () => {
    // softmax of 10 · [0.25, -0.125]
    expect([...csvLines(PHOTOS, CONTEXT)].join('')).toBe(
      'file,best label,certainty,probability,cosine,margin,note,cat (probability),cat (cosine),' +
        "'=1+1 (probability),'=1+1 (cosine)\r\n" +
        '"a ""cat"", asleep.jpg",cat,sure,0.9770226,0.25,0.375,,0.9770226,0.25,0.02297737,-0.125\r\n' +
        'bad.jpg,,,,,,It is damaged.,,,,\r\n' +
        'new.jpg,,,,,,not ranked yet,,,,\r\n',
    );
  });

  it.each([
    ['=SUM(A1)', "'=SUM(A1)"],
    ['+1', "'+1"],
    ['-x', "'-x"],
    ['@cmd', "'@cmd"],
    ['=a,b', '"\'=a,b"'],
    ['two\nlines', '"two\nlines"'],
    [-0.5, '-0.5'],
    [null, ''],
  ])('writes %j as %s', (value, cell) => expect(csvCell(value)).toBe(cell));
});

describe('JSON', () => {
  it('is one document with every score', () => {
    const document = JSON.parse([...jsonPieces(PHOTOS, CONTEXT)].join(''));
    expect(document).toMatchObject({
      model: 'mini',
      precision: 'q8',
      labels: ['cat', '=1+1'],
      templates: ['a photo of a {}.'],
      photographs: [
        {
          file: 'a "cat", asleep.jpg',
          sha256: 'c0ffee',
          best: 'cat',
          margin: 0.375,
          scores: [
            { label: 'cat', cosine: 0.25, probability: expect.closeTo(0.9770226, 6) },
            { label: '=1+1', cosine: -0.125, probability: expect.closeTo(0.0229774, 6) },
          ],
        },
        { file: 'bad.jpg', problem: 'It is damaged.' },
        { file: 'new.jpg', sha256: null },
      ],
    });
  });

  it('is valid without photographs', () => {
    expect(JSON.parse([...jsonPieces([], CONTEXT)].join('')).photographs).toEqual([]);
  });
});

describe('exportName', () => {
  it('sorts by time', () =>
    expect(exportName('csv', new Date(2026, 2, 1, 9, 5))).toBe('promptlens-2026-03-01-0905.csv'));
});
