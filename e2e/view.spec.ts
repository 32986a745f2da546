// What the page shows of a ranking, and how: certainty, details, order, filters, table, export.

import { CERTAINTIES, CERTAINTY_WORDS, FIT_WORDS } from '../app/classify/certainty.ts';
import { formatCosine, formatProbability } from '../app/ui/format.ts';
import { smallPictures } from './site/pictures.ts';
import { expect, test } from './test.ts';

const LABELS = ['cat', 'hot dog', 'forest', 'a red bus'];
const PICTURES = 8;

test('one label alone never reads 100 %, and says whether it fits', async ({ app, page }) => {
  await app.open({ labels: ['people riding'] });
  await app.add(await smallPictures(PICTURES));
  await app.ranked(PICTURES, 1);
  const cards = app.photographs.getByRole('article');
  await expect(cards).toHaveCount(PICTURES);
  const certainties = (await app.exportedJson()).photographs.map(({ certainty }) => certainty);
  for (const [i, card] of (await cards.all()).entries()) {
    await expect(card).not.toContainText('%');
    await expect(card.getByRole('button')).not.toHaveAccessibleName(/%/);
    await expect(card).toContainText(/[−\d]\.\d{3}/);
    await expect(card).toContainText('unrelated');
    const certainty = CERTAINTIES.find((one) => one === certainties[i]);
    await expect(card).toContainText(certainty === undefined ? 'no certainty' : FIT_WORDS[certainty]);
  }
  const explanations = [
    [certainties.indexOf('nothing'), '“people riding” fits no better than a word picked at random would.'],
    [
      certainties.findIndex((one) => one !== 'nothing'),
      'A label alone has no probability, for want of rivals.',
    ],
  ] as const;
  for (const [index, explanation] of explanations) {
    await cards.nth(index).getByRole('button').click();
    await expect(page.getByRole('dialog')).toContainText(explanation);
    await expect(page.getByRole('dialog').getByRole('table')).not.toContainText('%');
    await page.keyboard.press('Escape');
  }

  await app.labels.type('cat');
  await app.ranked(PICTURES, 2);
  await expect(cards.first()).toContainText('%');
});

test('a picture that nothing fits says so, others do not', async ({ app, page }) => {
  await app.open({ labels: LABELS });
  await app.add(await smallPictures(PICTURES));
  await app.ranked(PICTURES, LABELS.length);
  const { photographs } = await app.exportedJson();
  const nothing = photographs.filter(({ certainty }) => certainty === 'nothing');
  expect(nothing.length).toBeGreaterThan(0);
  expect(nothing.length).toBeLessThan(PICTURES);
  for (const { file, certainty } of photographs) {
    const words = app.card(file).getByText(CERTAINTY_WORDS.nothing);
    await expect(words).toHaveCount(certainty === 'nothing' ? 1 : 0);
  }
  await app.opener(nothing[0].file).click();
  await expect(page.getByRole('dialog')).toContainText(
    'No label fits better than as many words picked at random would',
  );
});

test('details: every label with probability, cosine and margin; from picture to picture', async ({
  app,
  page,
}) => {
  await app.open({ labels: LABELS });
  await app.add(await smallPictures(3));
  await app.ranked(3, LABELS.length);
  const [first] = (await app.exportedJson()).photographs;
  const scores = (first.scores ?? []).toSorted((a, b) => b.cosine - a.cosine);
  await app.opener(first.file).click();
  const dialog = page.getByRole('dialog', { name: first.file });
  await expect(dialog.getByRole('img', { name: first.file })).toBeVisible();
  const rows = dialog.getByRole('row');
  for (const [i, { label, probability, cosine }] of scores.entries()) {
    const row = rows.nth(i + 1);
    await expect(row.getByRole('rowheader')).toHaveText(label);
    const margin = i === 0 ? `+${formatCosine(first.margin ?? 0)}` : formatCosine(cosine - scores[0].cosine);
    await expect(row.getByRole('cell')).toHaveText([
      formatProbability(probability ?? 0),
      formatCosine(cosine),
      margin,
    ]);
  }
  expect(first.margin).toBeCloseTo(scores[0].cosine - scores[1].cosine, 5);

  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('dialog', { name: 'picture-002.jpg' })).toContainText('2 of 3');
  await page.getByRole('button', { name: 'Previous' }).click();
  await expect(dialog).toContainText('1 of 3');
  await page.getByRole('button', { name: 'Remove this photograph' }).click();
  const next = page.getByRole('dialog', { name: 'picture-002.jpg' });
  await expect(next).toContainText('1 of 2');
  expect(await app.shownNames()).toEqual(['picture-002.jpg', 'picture-003.jpg']);
  // Undone from where it was done, by keyboard: Tab stays within the dialog.
  const undo = next.getByRole('button', { name: 'Undo' });
  await expect(undo).toBeVisible();
  for (let presses = 0; presses < 10; presses++) {
    await page.keyboard.press('Tab');
    if (await undo.evaluate((button) => button === document.activeElement)) break;
  }
  await expect(undo).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(next).toContainText(/\d of 3/);
  await page.getByRole('button', { name: 'Remove this photograph' }).click();
  await expect(page.getByRole('dialog')).toContainText('1 of 2');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await app.toasts.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => app.shownNames()).toHaveLength(3);
  await app.ranked(3, LABELS.length);
});

test('sort and filter by name, label and certainty, as cards and as a table', async ({ app, page }) => {
  await app.open({ labels: LABELS });
  await app.add((await smallPictures(PICTURES)).toReversed());
  await app.ranked(PICTURES, LABELS.length);
  const { photographs } = await app.exportedJson();
  const names = (some: typeof photographs) => some.map(({ file }) => file);
  expect(await app.shownNames()).toEqual(names(photographs));
  const sort = page.getByRole('combobox', { name: 'Sort' });
  const best = page.getByRole('combobox', { name: 'Best' });
  const certainty = page.getByRole('combobox', { name: 'Certainty' });

  await sort.selectOption('Name');
  await expect.poll(() => app.shownNames()).toEqual(names(photographs).toSorted());

  await sort.selectOption('hot dog');
  const share = ({ scores = [] }: (typeof photographs)[number]) =>
    scores.find(({ label }) => label === 'hot dog')?.probability ?? 0;
  const byHotDog = photographs.toSorted((a, b) => share(b) - share(a));
  await expect.poll(() => app.shownNames()).toEqual(names(byHotDog));
  expect(names((await app.exportedJson()).photographs)).toEqual(names(byHotDog));

  await sort.selectOption('Order added');
  const [{ best: label = '', certainty: sure = '' }] = photographs;
  const withLabel = photographs.filter((photograph) => photograph.best === label);
  expect(withLabel.length).toBeLessThan(PICTURES);
  await best.selectOption(`${label} (${withLabel.length})`);
  await expect.poll(() => app.shownNames()).toEqual(names(withLabel));
  await certainty.selectOption(sure);
  const both = withLabel.filter((photograph) => photograph.certainty === sure);
  await expect.poll(() => app.shownNames()).toEqual(names(both));
  await page.reload();
  await app.ready();
  await expect.poll(() => app.shownNames()).toEqual(names(both));

  await best.selectOption('Any label');
  await certainty.selectOption('Any');
  await page.getByRole('button', { name: 'Table' }).click();
  const table = page.getByRole('table', { name: 'Photographs with their best labels' });
  await expect(table.getByRole('rowheader')).toHaveText(names(photographs));
  for (const [i, { best: winner = '', scores = [], certainty: how }] of photographs.entries()) {
    const row = table.getByRole('row').nth(i + 1);
    const { cosine, probability } = scores.find(({ label }) => label === winner) ?? scores[0];
    const words = CERTAINTIES.find((one) => one === how);
    for (const cell of [winner, formatCosine(cosine), formatProbability(probability ?? 0)]) {
      await expect(row.getByRole('cell', { name: cell, exact: true })).toBeVisible();
    }
    await expect(row).toContainText(words === undefined ? 'no certainty' : CERTAINTY_WORDS[words]);
  }
  await table.getByRole('button', { name: 'Photograph' }).click();
  await expect(table.getByRole('columnheader', { name: 'Photograph' })).toHaveAttribute(
    'aria-sort',
    'ascending',
  );
  await expect(table.getByRole('rowheader')).toHaveText(names(photographs).toSorted());
  await table.getByRole('rowheader', { name: 'picture-004.jpg' }).getByRole('button').click();
  await expect(page.getByRole('dialog', { name: 'picture-004.jpg' })).toBeVisible();
});

test('a long table stays whole while one scrolls, sorts and filters', async ({ app, page }) => {
  const pictures = await smallPictures(60);
  const names = pictures.map(({ name }) => name);
  await app.open({ labels: LABELS });
  await app.add(pictures);
  await app.ranked(60, LABELS.length);
  await page.getByRole('button', { name: 'Table' }).click();
  const table = page.getByRole('table', { name: 'Photographs with their best labels' });
  const onScreen = table.getByRole('rowheader').filter({ visible: true });
  const shows = (name: string) => expect(table.getByRole('rowheader', { name })).toBeInViewport();
  await shows(names[0]);
  const { height } = (await table.boundingBox()) ?? { height: 0 };

  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await shows(names[59]);
  await expect(table.getByRole('rowheader', { name: names[0] })).toHaveCount(0);
  expect((await table.boundingBox())?.height).toBeCloseTo(height, 0);
  await page.evaluate(() => scrollTo(0, 0));
  await shows(names[0]);

  const sort = page.getByRole('combobox', { name: 'Sort' });
  for (const order of ['Least certain first', 'Most certain first', 'Name']) {
    await sort.selectOption(order);
    await expect.poll(() => onScreen.count()).toBeGreaterThan(10);
    expect((await table.boundingBox())?.height).toBeCloseTo(height, 0);
  }
  await shows(names[0]);
  await page.getByRole('combobox', { name: 'Certainty' }).selectOption('Nothing fits well');
  await expect(onScreen.first()).toBeVisible();
  await page.getByRole('combobox', { name: 'Certainty' }).selectOption('Any');
  await expect.poll(() => onScreen.count()).toBeGreaterThan(10);
});

test('CSV and JSON hold the same numbers, and every word as it is', async ({ app }) => {
  const labels = ['cat', 'rock, "roll"', '=SUM(A1)', 'łódź'];
  await app.open({ labels });
  const [one, two] = await smallPictures(2);
  await app.add([
    { ...one, name: 'my, "best" picture.jpg' },
    { ...two, name: '-2+3.jpg' },
  ]);
  await app.ranked(2, labels.length);
  const json = await app.exportedJson();
  expect(json).toMatchObject({ model: 'tiny', precision: 'q8', backend: 'wasm', labels });
  const csv = await app.exported('CSV');
  expect(csv.name).toMatch(/^promptlens-\d{4}-\d\d-\d\d-\d{4}\.csv$/);
  expect(csv.text.startsWith('\uFEFF')).toBe(true);
  const [head, ...rows] = parseCsv(csv.text.slice(1));
  expect(rows).toHaveLength(2);
  const guarded = (text: string) => (/^[=+\-@]/.test(text) ? `'${text}` : text);
  expect(head.slice(0, 6)).toEqual(['file', 'best label', 'certainty', 'probability', 'cosine', 'margin']);
  for (const [i, photograph] of json.photographs.entries()) {
    const row = new Map(head.map((name, column) => [name, rows[i][column]]));
    expect(row.get('file')).toBe(guarded(photograph.file));
    expect(row.get('best label')).toBe(guarded(photograph.best ?? ''));
    expect(row.get('certainty')).toBe(photograph.certainty);
    expect(Number(row.get('margin'))).toBeCloseTo(photograph.margin ?? Number.NaN, 5);
    expect(photograph.scores).toHaveLength(labels.length);
    for (const { label, cosine, probability } of photograph.scores ?? []) {
      expect(Number(row.get(guarded(`${label} (cosine)`)))).toBeCloseTo(cosine, 5);
      expect(Number(row.get(guarded(`${label} (probability)`)))).toBeCloseTo(probability ?? Number.NaN, 5);
    }
  }
  expect(json.photographs.map(({ file }) => file)).toEqual(['my, "best" picture.jpg', '-2+3.jpg']);
});

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows[rows.length - 1].push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}
