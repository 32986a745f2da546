// The built product, driven without disturbing it: Playwright's own search by roles and its waiting run in the page and would
// be tasks of their own among a thousand labels. Here the page is asked for one short text a few times a second.

import { resolve } from 'node:path';
import type { Page } from '@playwright/test';

const POLLING_MS = 200;

const LIMIT_MS = 900_000;

/** Waits until the page has one of these texts, be it for screen readers alone. */
async function untilSays(page: Page, ...texts: readonly string[]): Promise<void> {
  const says = (wanted: readonly string[]) => {
    const { textContent } = document.body;
    return wanted.some((text) => textContent.includes(text));
  };
  await page.waitForFunction(says, texts, { polling: POLLING_MS, timeout: LIMIT_MS });
}

/** On WASM, as everything here. */
export async function openProduct(page: Page, site: string, labels: readonly string[]): Promise<void> {
  await page.goto(`${site}?backend=wasm#${new URLSearchParams(labels.map((label) => ['label', label]))}`);
  await untilSays(page, 'self-test passed', 'no self-test');
}

/** Files by their paths, read by the browser as it reads a visitor's: handed over as bytes, they would pass through the page. */
export async function addPhotographs(page: Page, paths: readonly string[]): Promise<void> {
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles([...paths]);
}

/**
 * Drags a folder over the page and lets it go. Out of a dialog Chromium makes a File of each file in one task, before the page
 * hears of the first: 500 keep the thread of an empty page for 100 ms.
 */
export async function dropFolder(page: Page, folder: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [resolve(folder)], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: 700, y: 500, data });
  }
  await session.detach();
}

export async function addLabel(page: Page, label: string): Promise<void> {
  const field = page.locator('input[placeholder="Type or paste labels"]');
  await field.fill(label);
  await field.press('Enter');
}

/** Waits for what the page tells a listener when it is done. */
export async function untilRanked(page: Page, photographs: number, labels: number): Promise<void> {
  const count = (n: number, one: string) => `${n.toLocaleString('en')} ${one}${n === 1 ? '' : 's'}`;
  await untilSays(page, `${count(photographs, 'photograph')} ranked by ${count(labels, 'label')}.`);
}

/** Takes a ready set of templates by its name. */
export async function takeTemplates(page: Page, set: string): Promise<void> {
  await page.locator('details.templates summary').click();
  await page.locator('.templates-tools button', { hasText: 'Ready sets' }).click();
  await page.locator('.menu-item', { hasText: set }).click();
}

/** Opens the first photograph shown, and then the numbers of every label. */
export async function showAllLabels(page: Page, labels: number): Promise<void> {
  await page.locator('.card-open').first().click();
  await page.locator('dialog.details .details-scores > button').click();
  await page.waitForFunction(
    (rows) => document.querySelectorAll('dialog.details tbody tr').length >= rows,
    labels,
    { polling: POLLING_MS, timeout: LIMIT_MS },
  );
}
