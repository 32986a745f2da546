// Ways in for photographs: files and folders, picked, dropped and pasted. (rank.spec.ts drops files, many others pick them.)

import { mkdir, writeFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { smallPictures } from './site/pictures.ts';
import { expect, test } from './test.ts';

const LABELS = ['cat', 'dog', 'owl'];

test.use({ permissions: ['clipboard-read', 'clipboard-write'] });

/** Two pictures, one more in a folder below, and what folders are full of. */
async function makeFolder(root: string): Promise<string> {
  const [one, two, three] = await smallPictures(3);
  await mkdir(`${root}/below`, { recursive: true });
  await writeFile(`${root}/${one.name}`, one.buffer);
  await writeFile(`${root}/${two.name}`, two.buffer);
  await writeFile(`${root}/below/${three.name}`, three.buffer);
  await writeFile(`${root}/.DS_Store`, 'clutter');
  await writeFile(`${root}/Thumbs.db`, 'clutter');
  return root;
}

type GiveEntries = (entries: FileSystemEntry[], found: (entries: FileSystemEntry[]) => void) => void;

/** Comes between the page and what the browser says of a dropped folder. Chromium has no global names for entries and readers. */
async function onFolderEntries(page: Page, give: GiveEntries): Promise<void> {
  await page.addInitScript(`{
    const give = ${give};
    const { webkitGetAsEntry } = DataTransferItem.prototype;
    DataTransferItem.prototype.webkitGetAsEntry = function () {
      const folder = webkitGetAsEntry.call(this);
      const reader = folder.createReader();
      const readEntries = reader.readEntries.bind(reader);
      reader.readEntries = (found, failed) => readEntries((entries) => give(entries, found), failed);
      folder.createReader = () => reader;
      return folder;
    };
  }`);
}

test('a folder that is picked', async ({ app, page }, testInfo) => {
  const folder = await makeFolder(testInfo.outputPath('holiday'));
  await app.open({ labels: LABELS });
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Add a folder of photographs' }).click();
  await (await chooser).setFiles(folder);
  await app.ranked(3, LABELS.length);
  expect((await app.shownNames()).toSorted()).toEqual([
    'picture-001.jpg',
    'picture-002.jpg',
    'picture-003.jpg',
  ]);
  await expect(app.toasts.getByText(/left out|no photograph/)).toHaveCount(0);
});

test('a folder that is dropped, with others beside it', async ({ app }, testInfo) => {
  const folder = await makeFolder(testInfo.outputPath('holiday'));
  const [other] = await smallPictures(1, 80);
  const path = testInfo.outputPath('beside.jpg');
  await writeFile(path, other.buffer);
  await app.open({ labels: LABELS });
  await app.drop([folder, path]);
  await app.ranked(4, LABELS.length);
  expect((await app.shownNames()).toSorted()).toEqual([
    'beside.jpg',
    'picture-001.jpg',
    'picture-002.jpg',
    'picture-003.jpg',
  ]);
});

test('a picture that is pasted', async ({ app, page }) => {
  await app.open({ labels: LABELS });
  await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(40, 30);
    const context = canvas.getContext('2d');
    context?.fillRect(5, 5, 20, 10);
    const png = await canvas.convertToBlob({ type: 'image/png' });
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
  });
  // Blank space, where a click lets the drop zone listen too.
  await page.getByRole('heading', { name: 'Promptlens' }).click();
  await page.keyboard.press('ControlOrMeta+v');
  await app.ranked(1, LABELS.length);
  await expect(page.getByRole('heading', { name: '1 photograph', exact: true })).toBeVisible();
  await expect(app.toasts.getByText('here already')).toHaveCount(0);
});

test('a dropped folder shows photographs while it is still being looked through', async ({
  app,
  page,
}, testInfo) => {
  const folder = testInfo.outputPath('large');
  await mkdir(folder, { recursive: true });
  const files = await smallPictures(20);
  for (const { name, buffer } of files) await writeFile(`${folder}/${name}`, buffer);
  // The browser says only when it is let that there is no more.
  await onFolderEntries(page, (entries, found) => {
    const tell = () => {
      if (entries.length > 0 || window.name === 'go on') found(entries);
      else setTimeout(tell, 50);
    };
    tell();
  });
  await app.open({ labels: LABELS });
  await app.drop([folder]);
  await app.ranked(16, LABELS.length);
  await page.evaluate(() => {
    window.name = 'go on';
  });
  await app.ranked(20, LABELS.length);
});

test('what cannot be read in a dropped folder costs nothing else', async ({ app, page }, testInfo) => {
  const folder = await makeFolder(testInfo.outputPath('holiday'));
  await mkdir(`${folder}/locked`);
  await onFolderEntries(page, (entries, found) => {
    for (const entry of entries) {
      if (entry.name === 'picture-001.jpg')
        Object.assign(entry, {
          file: (_: unknown, failed: (error: unknown) => void) =>
            failed(new DOMException('', 'NotFoundError')),
        });
      if (entry.name === 'locked')
        Object.assign(entry, {
          createReader: () => ({
            readEntries: (_: unknown, failed: (error: unknown) => void) =>
              failed(new DOMException('', 'NotReadableError')),
          }),
        });
    }
    found(entries);
  });
  await app.open({ labels: LABELS });
  await app.drop([folder]);
  await app.ranked(2, LABELS.length);
  await expect(app.toasts.getByText('picture-001.jpg could not be read')).toBeVisible();
  await expect(app.toasts.getByText('The folder locked could not be read')).toBeVisible();
});

test('a dropped folder without a photograph', async ({ app, page }, testInfo) => {
  const folder = testInfo.outputPath('clutter');
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/Thumbs.db`, 'clutter');
  await app.open({ labels: LABELS });
  await app.drop([folder]);
  await expect(app.toasts.getByText('There was no photograph in it')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Example photographs' })).toBeVisible();
});
