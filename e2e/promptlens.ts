// The page as a visitor meets it: what can be done there and what can be read, by accessible roles and names.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Download, expect, type Locator, type Page } from '@playwright/test';
import { TINY } from './site/models.ts';
import type { UploadedFile } from './site/pictures.ts';

export interface OpenOptions {
  /** A folder beside the site's own model; null for the site's own. */
  readonly model?: string | null;
  readonly backend?: 'wasm' | 'webgpu';
  readonly softwareAdapter?: boolean;
  readonly labels?: readonly string[];
  readonly templates?: readonly string[];
}

/** How many photographs and labels a first visit shows: app/classify/examples.ts. */
export const EXAMPLES = { photographs: 5, labels: 7 } as const;

/** What Export gives as JSON. */
export interface ExportedJson {
  readonly model: string;
  readonly precision: string;
  readonly backend: string;
  readonly logitScale: number;
  readonly templates: readonly string[];
  readonly labels: readonly string[];
  readonly photographs: readonly {
    readonly file: string;
    readonly sha256: string;
    readonly best?: string;
    readonly certainty?: string;
    readonly margin?: number | null;
    readonly problem?: string;
    readonly scores?: readonly {
      readonly label: string;
      readonly cosine: number;
      readonly probability: number | null;
    }[];
  }[];
}

export class Promptlens {
  readonly page: Page;
  /** Address of the site, with a slash at its end. */
  readonly site: string;
  readonly machine: Locator;
  readonly labels: WordField;
  readonly templates: WordField;
  readonly photographs: Locator;
  readonly toasts: Locator;

  constructor(page: Page, site: string) {
    this.page = page;
    this.site = site;
    this.machine = page.getByRole('banner');
    this.labels = new WordField(page, 'label');
    this.templates = new WordField(page, 'template');
    this.photographs = page.getByRole('main').getByRole('list', { name: 'Photographs' });
    this.toasts = page.getByRole('status');
  }

  address({ model = TINY, backend, softwareAdapter, labels, templates }: OpenOptions = {}): string {
    const search = new URLSearchParams();
    if (model !== null) search.set('model', model);
    if (backend) search.set('backend', backend);
    if (softwareAdapter) search.set('software-adapter', '');
    const fragment = new URLSearchParams();
    for (const label of labels ?? []) fragment.append('label', label);
    for (const template of templates ?? []) fragment.append('template', template);
    return `${this.site}?${search}${fragment.size > 0 ? `#${fragment}` : ''}`;
  }

  /** Opens the page and waits until the model runs. */
  async open(options: OpenOptions = {}): Promise<void> {
    await this.page.goto(this.address(options));
    await this.ready();
  }

  async ready(): Promise<void> {
    await expect(this.machine).toContainText('self-test passed', { timeout: 90_000 });
  }

  /** Waits until model and runtime are on this device, which is some seconds after they answer. */
  async keptOffline(): Promise<void> {
    await this.page.getByRole('button', { name: /self-test passed/ }).click();
    await expect(this.machine).toContainText('Model and runtime are kept on this device.');
    await this.page.keyboard.press('Escape');
  }

  /** Picks files with the button that adds photographs. */
  async add(files: readonly string[] | readonly UploadedFile[]): Promise<void> {
    const chooser = this.page.waitForEvent('filechooser');
    await this.page.getByRole('button', { name: 'Add photographs' }).click();
    await (await chooser).setFiles([...files] as string[]);
  }

  /** Drags files or folders over the page and lets them go, as from a window of the system's. */
  async drop(paths: readonly string[], at = { x: 700, y: 500 }): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    const data = { items: [], files: paths.map((path) => resolve(path)), dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await session.send('Input.dispatchDragEvent', { type, ...at, data });
    }
    await session.detach();
  }

  /**
   * Waits for the page to say that it is done, as a listener hears it. It takes back what it said as soon as something is to be
   * ranked; what was done a moment ago gets a frame and a task to arrive there, so that an earlier outcome is not taken for this one.
   */
  async ranked(photographs: number, labels: number): Promise<void> {
    await this.page.evaluate(
      () => new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve, 100))),
    );
    const count = (n: number, one: string) => `${n.toLocaleString('en')} ${one}${n === 1 ? '' : 's'}`;
    await expect(
      this.page.getByText(`${count(photographs, 'photograph')} ranked by ${count(labels, 'label')}.`),
    ).toBeAttached({ timeout: 60_000 });
  }

  /** The list of templates is folded until it is asked for. */
  async unfoldTemplates(): Promise<void> {
    await this.page.getByRole('heading', { name: 'Templates' }).click();
  }

  card(name: string): Locator {
    return this.photographs.getByRole('listitem').filter({ hasText: name });
  }

  /** The button that opens one photograph's details; its name holds the best label. */
  opener(name: string): Locator {
    return this.photographs.getByRole('button', { name });
  }

  /** The photographs on the screen and near it, in their order. */
  async shownNames(): Promise<string[]> {
    const names = await this.photographs.getByRole('article').locator('.card-name').allInnerTexts();
    return names.map((name) => name.trim());
  }

  /** Labels and shares on a card, best first. */
  async bars(name: string): Promise<{ label: string; share: string }[]> {
    const rows = await this.card(name).getByRole('list').getByRole('listitem').allInnerTexts();
    return rows.map((row) => {
      const [label, share] = row.split('\n').filter((line) => line.trim() !== '');
      return { label, share };
    });
  }

  async exported(kind: 'CSV' | 'JSON'): Promise<{ name: string; text: string }> {
    const download: Promise<Download> = this.page.waitForEvent('download');
    await this.page.getByRole('button', { name: 'Export', exact: true }).click();
    await this.page.getByRole('button', { name: new RegExp(`^${kind}`) }).click();
    const file = await download;
    return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
  }

  async exportedJson(): Promise<ExportedJson> {
    return JSON.parse((await this.exported('JSON')).text);
  }
}

/** Labels or templates: chips, their field, and the same as text. */
class WordField {
  readonly #page: Page;
  readonly #one: 'label' | 'template';
  readonly input: Locator;
  readonly chips: Locator;

  constructor(page: Page, one: 'label' | 'template') {
    this.#page = page;
    this.#one = one;
    this.input = page.getByRole('textbox', { name: `Add ${one}s` });
    this.chips = page.getByRole('list', { name: capital(`${one}s`), exact: true }).getByRole('listitem');
  }

  async type(text: string): Promise<void> {
    await this.input.fill(text);
    await this.input.press('Enter');
  }

  /** Puts text on the clipboard and presses the keys that paste it. Needs the clipboard's permissions. */
  async paste(text: string): Promise<void> {
    await this.#page.evaluate((words) => navigator.clipboard.writeText(words), text);
    await this.input.focus();
    await this.#page.keyboard.press('ControlOrMeta+v');
  }

  /** What is focused, edited, moved and removed by keyboard. */
  chip(words: string): Locator {
    return this.chips.getByRole('button', { name: words, exact: true });
  }

  async expectToBe(words: readonly string[]): Promise<void> {
    await expect(this.chips).toHaveText([...words]);
  }

  /** Writes the whole list as text. */
  async write(words: readonly string[]): Promise<void> {
    const edit = this.#one === 'label' ? 'Edit labels as text' : 'Edit as text';
    await this.#page.getByRole('button', { name: edit }).click();
    await this.#page.getByRole('textbox', { name: `${this.#one}s, one a line` }).fill(words.join('\n'));
    await this.#page.getByRole('button', { name: `Use these ${this.#one}s` }).click();
  }
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
