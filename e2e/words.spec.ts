// Labels and templates: typed, pasted, edited, put in order, undone; kept in the address; encoded once.

import { TEMPLATE_SETS } from '../models/clip/prompts.ts';
import { holdRequests } from './hold-requests.ts';
import { Promptlens } from './promptlens.ts';
import { smallPictures } from './site/pictures.ts';
import { expect, test } from './test.ts';
import { watchWorker } from './worker-traffic.ts';

test.use({ permissions: ['clipboard-read', 'clipboard-write'] });

test('chips: a pasted list, edited, put in order, removed and undone by keyboard', async ({ app, page }) => {
  await app.open({ labels: ['cat'] });
  const { keyboard } = page;

  await app.labels.paste('dog\na red bus, rock &amp; roll;\t “quoted”  words \r\nCat');
  const pasted = ['cat', 'dog', 'a red bus', 'rock & roll', '“quoted” words'];
  await app.labels.expectToBe(pasted);
  await expect(app.toasts.getByText('1 label was there already.')).toBeVisible();

  await app.labels.chip('dog').focus();
  await keyboard.press('Enter');
  const edited = page.getByRole('textbox', { name: 'Edit “dog”' });
  await expect(edited).toBeFocused();
  // All of it is selected, so that what is typed takes its place.
  await keyboard.type('a dog that runs');
  await keyboard.press('Enter');
  const changed = pasted.with(1, 'a dog that runs');
  await app.labels.expectToBe(changed);

  await app.labels.chip('a red bus').focus();
  await keyboard.press('Alt+ArrowLeft');
  await keyboard.press('Alt+ArrowLeft');
  await expect(app.labels.chip('a red bus')).toBeFocused();
  await expect(app.toasts.getByText('a red bus is now 1 of 5.')).toBeAttached();
  const moved = ['a red bus', 'cat', ...changed.slice(1).filter((label) => label !== 'a red bus')];
  await app.labels.expectToBe(moved);

  await app.labels.chip('cat').focus();
  await keyboard.press('Delete');
  await app.labels.expectToBe(moved.filter((label) => label !== 'cat'));
  await page.getByRole('button', { name: 'Remove a red bus' }).click();
  await app.labels.expectToBe(moved.slice(2));

  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await app.labels.expectToBe(moved.slice(0, 1).concat(moved.slice(2)));
  await page.getByRole('heading', { name: 'Promptlens' }).click();
  await keyboard.press('ControlOrMeta+z');
  await app.labels.expectToBe(moved);
  // The two moves, one by one.
  await keyboard.press('ControlOrMeta+z');
  await keyboard.press('ControlOrMeta+z');
  await app.labels.expectToBe(changed);
});

test('the focus stays with the work: after text, after the last chip, after a message; a dialog keeps Ctrl+Z', async ({
  app,
  page,
}) => {
  await app.open({ labels: ['cat', 'dog'] });
  const { keyboard } = page;
  const field = page.getByRole('textbox', { name: 'Add labels' });

  await page.getByRole('button', { name: 'Edit labels as text' }).click();
  await page.getByRole('button', { name: 'Use these labels' }).press('Enter');
  await expect(app.labels.chip('cat')).toBeFocused();

  await keyboard.press('Delete');
  await expect(app.labels.chip('dog')).toBeFocused();
  await keyboard.press('Delete');
  await expect(field).toBeFocused();

  await keyboard.type('owl');
  await keyboard.press('Enter');
  await app.labels.expectToBe(['owl']);
  await keyboard.type('owl');
  await keyboard.press('Enter');
  const there = app.toasts.filter({ hasText: 'was there already' });
  await there.getByRole('button', { name: 'Dismiss' }).click();
  await expect(there).toHaveCount(0);
  await expect(field).toBeFocused();

  await page.getByRole('button', { name: 'Models', exact: true }).click();
  await expect(page.getByRole('dialog', { name: 'Models' })).toBeVisible();
  await keyboard.press('ControlOrMeta+z');
  await keyboard.press('Escape');
  await app.labels.expectToBe(['owl']);
  await keyboard.press('ControlOrMeta+z');
  await app.labels.expectToBe([]);
});

test('undo goes no further back than the page’s own steps, however often it is pressed', async ({
  app,
  page,
}) => {
  await app.open({ labels: ['cat', 'dog'] });
  const undo = page.getByRole('button', { name: 'Undo', exact: true });
  const pressTwice = () =>
    undo.evaluate((button: HTMLButtonElement) => {
      button.click();
      button.click();
    });
  await app.labels.type('owl');
  await app.labels.expectToBe(['cat', 'dog', 'owl']);
  await pressTwice();
  await app.labels.expectToBe(['cat', 'dog']);
  await expect(undo).toBeDisabled();

  await app.labels.type('owl');
  await app.labels.type('boat');
  await app.labels.expectToBe(['cat', 'dog', 'owl', 'boat']);
  await pressTwice();
  await app.labels.expectToBe(['cat', 'dog']);
});

test('the message of Clear puts those labels back, and no other step', async ({ app, page }) => {
  await app.open({ labels: ['cat', 'dog'] });
  const removed = app.toasts.filter({ hasText: '2 labels removed.' });
  const undoThere = removed.getByRole('button', { name: 'Undo' });
  const undo = page.getByRole('complementary').getByRole('button', { name: 'Undo' });

  // They are back already.
  await page.getByRole('button', { name: 'Clear' }).click();
  await app.labels.expectToBe([]);
  await undo.click();
  await app.labels.expectToBe(['cat', 'dog']);
  await expect(undo).toBeDisabled();
  await undoThere.click();
  await expect(removed).toHaveCount(0);
  await app.labels.expectToBe(['cat', 'dog']);
  await expect(undo).toBeDisabled();

  // Others have come since.
  await page.getByRole('button', { name: 'Clear' }).click();
  await app.labels.type('owl');
  await app.labels.type('boat');
  await app.labels.expectToBe(['owl', 'boat']);
  await undoThere.click();
  await app.labels.expectToBe(['cat', 'dog']);
  await undo.click();
  await app.labels.expectToBe(['owl', 'boat']);
});

test('an empty label, one twice, one in other letters, one too long: each is said, nothing is lost', async ({
  app,
  page,
}) => {
  await app.open({ labels: ['cat', 'dog'] });
  await app.labels.type('  , ;');
  await expect(app.toasts.getByText('There was no label in that; type a word or two.')).toBeVisible();
  await app.labels.expectToBe(['cat', 'dog']);
  await app.labels.type('DOG');
  await expect(app.toasts.getByText('1 label was there already.')).toBeVisible();
  await app.labels.type('x'.repeat(401));
  await expect(app.toasts.getByText(/has 401 characters; 400 is the most/)).toBeVisible();
  await app.labels.expectToBe(['cat', 'dog']);

  await app.labels.input.fill('');
  await app.labels.type('кошка');
  await expect(page.getByText('“кошка” is not in Latin letters.')).toBeVisible();
  const long = 'a very long label that has many more words in it than the sixteen tokens of this model hold';
  await app.labels.type(long);
  await expect(
    page.getByText(/are longer than the model reads; the end is not taken into account/),
  ).toBeVisible();
  await app.labels.expectToBe(['cat', 'dog', 'кошка', long]);
});

test('labels as text: a line is a label, and nothing that was typed is lost', async ({ app, page }) => {
  // As an address may bring them.
  const labels = ['rock, roll', 'salt; pepper', 'B&amp;B'];
  await app.open({ labels });
  await app.labels.expectToBe(labels);
  const open = page.getByRole('button', { name: 'Edit labels as text' });
  const use = page.getByRole('button', { name: 'Use these labels' });
  const text = page.getByRole('textbox', { name: 'Labels, one a line' });
  const notUsed = app.toasts.filter({ hasText: 'What you changed in the text of the labels was not used.' });

  await open.click();
  await use.click();
  await app.labels.expectToBe(labels);
  await open.click();
  await text.fill([...labels, 'bread, butter'].join('\n'));
  await use.click();
  await app.labels.expectToBe([...labels, 'bread, butter']);

  await open.click();
  const wrong = `cat\n${'x'.repeat(401)}`;
  await text.fill(wrong);
  await use.click();
  await expect(app.toasts.getByText(/has 401 characters; 400 is the most/)).toBeVisible();
  await expect(text).toHaveValue(wrong);
  await text.fill('cat\ndog');
  await use.click();
  await app.labels.expectToBe(['cat', 'dog']);

  await open.click();
  await page.keyboard.press('Escape');
  await app.labels.expectToBe(['cat', 'dog']);
  await expect(notUsed).toHaveCount(0);
  await open.click();
  await text.fill('cat\ndog\nan owl that took long to type');
  await page.keyboard.press('Escape');
  await app.labels.expectToBe(['cat', 'dog']);
  await notUsed.getByRole('button', { name: 'Go on with it' }).click();
  await expect(text).toHaveValue('cat\ndog\nan owl that took long to type');
  await use.click();
  await app.labels.expectToBe(['cat', 'dog', 'an owl that took long to type']);
});

test('labels and templates survive a reload and come with a copied address', async ({
  app,
  page,
  browser,
}) => {
  const labels = ['a red bus', 'ein Käse & Brot', '#hash=1&label=no', '{}', '100 %'];
  await app.open();
  await app.labels.write(labels);
  await app.unfoldTemplates();
  await app.templates.type('a photo of {label}, seen from afar.');
  await page.getByRole('button', { name: 'Remove a photo of a {}.', exact: true }).click();
  const templates = ['a photo of {label}, seen from afar.'];
  await app.templates.expectToBe(templates);
  await app.add(await smallPictures(2));
  await app.ranked(2, labels.length);
  const { photographs, ...context } = await app.exportedJson();
  expect(context).toMatchObject({ labels, templates });

  await page.reload();
  await app.ready();
  await app.ranked(2, labels.length);
  await app.labels.expectToBe(labels);
  expect(await app.exportedJson()).toEqual({ ...context, photographs });

  const elsewhere = await browser.newContext();
  const copy = await elsewhere.newPage();
  const requests: string[] = [];
  copy.on('request', (request) => requests.push(request.url()));
  await copy.goto(page.url());
  await new Promptlens(copy, app.site).labels.expectToBe(labels);
  await expect(copy.getByRole('group').filter({ hasText: 'Templates' })).toContainText(templates[0]);
  // No server sees the words.
  expect(requests.filter((url) => /K%C3%A4se|bus/.test(url.split('#')[0]))).toEqual([]);
  await elsewhere.close();
});

test('a changed label or template costs its new prompts and no photograph', async ({ app, page }) => {
  const encoded = await watchWorker(page);
  await app.open({ labels: ['cat', 'dog'], templates: ['a photo of a {}.'] });
  const files = await smallPictures(5);
  await app.add(files);
  await app.ranked(5, 2);
  const first = await encoded();
  expect(first.photographs.filter((name) => name.startsWith('picture'))).toHaveLength(5);
  expect(first.prompts).toEqual(expect.arrayContaining(['a photo of a cat.', 'a photo of a dog.']));

  await app.labels.type('owl');
  await app.ranked(5, 3);
  expect(await encoded()).toEqual({ photographs: [], prompts: ['a photo of a owl.'] });

  await app.labels.write(['dog', 'owl']);
  await app.ranked(5, 2);
  expect(await encoded()).toEqual({ photographs: [], prompts: [] });

  await app.unfoldTemplates();
  await app.templates.type('the {}');
  await expect.poll(async () => (await app.exportedJson()).templates).toEqual(['a photo of a {}.', 'the {}']);
  await app.ranked(5, 2);
  expect(await encoded()).toEqual({ photographs: [], prompts: ['the dog', 'the owl'] });

  // What this device has encoded before is not encoded again at the next visit either.
  await page.reload();
  await app.ready();
  await app.ranked(5, 2);
  expect(await encoded()).toEqual({ photographs: [], prompts: [] });
});

test('ready sets of templates are ensembles, and a label never goes without a template', async ({
  app,
  page,
}) => {
  const [, ensemble] = TEMPLATE_SETS;
  await app.open({ labels: ['cat', 'dog'] });
  await app.add(await smallPictures(1));
  await app.ranked(1, 2);
  const [{ scores: before }] = (await app.exportedJson()).photographs;
  await app.unfoldTemplates();
  await page.getByRole('button', { name: 'Ready sets' }).click();
  await page.getByRole('button', { name: ensemble.name }).click();
  await app.templates.expectToBe(ensemble.templates);
  await expect
    .poll(async () => (await app.exportedJson()).photographs[0].scores?.[0]?.cosine)
    .not.toBe(before?.[0].cosine);
  expect((await app.exportedJson()).templates).toEqual(ensemble.templates);

  await app.templates.type('no place for a label');
  await expect(app.toasts.getByText('“no place for a label” needs {} where the label goes')).toBeVisible();
  await app.templates.write([]);
  await expect(app.toasts.getByText('A label needs at least one template')).toBeVisible();
  await app.templates.expectToBe(ensemble.templates);
});

test.describe('on a slow network', () => {
  // What a service worker answers is nothing that a test can hold back.
  test.use({ serviceWorkers: 'block' });

  test('words typed one after the other are all there, in their order', async ({ app, page }) => {
    const release = await holdRequests(page, '**/paste-*.js');
    const asked = page.waitForRequest('**/paste-*.js');
    await app.open({ labels: ['bus'] });
    for (const label of ['cat', 'dog', 'owl']) await app.labels.type(label);
    await app.labels.input.fill('half a wo');
    await asked;
    release();
    await app.labels.expectToBe(['bus', 'cat', 'dog', 'owl']);
    await expect(app.labels.input).toHaveValue('half a wo');
  });
});
