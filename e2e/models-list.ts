// The list of models as a visitor meets it.

import type { Locator, Page } from '@playwright/test';
import { expect } from './test.ts';

export class Models {
  readonly dialog: Locator;
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
    this.dialog = page.getByRole('dialog', { name: 'Models' });
  }

  async open(): Promise<void> {
    await this.#page.getByRole('button', { name: 'Models', exact: true }).click();
    await expect(this.dialog).toBeVisible();
  }

  async close(): Promise<void> {
    await this.#page.keyboard.press('Escape');
    await expect(this.dialog).toBeHidden();
  }

  row(name: string, section: 'site' | 'device' = 'device'): Locator {
    const heading = section === 'site' ? 'On this site' : /^On this device/;
    return this.dialog
      .getByRole('region', { name: heading })
      .getByRole('listitem')
      .filter({ hasText: name })
      .first();
  }

  async add(source: string, precision = 'auto'): Promise<void> {
    await this.dialog.getByRole('textbox', { name: /^Name on the hub/ }).fill(source);
    await this.dialog
      .getByRole('region', { name: 'Add a model' })
      .getByRole('combobox', { name: 'Precision' })
      .selectOption(precision);
    await this.dialog.getByRole('button', { name: 'Add', exact: true }).click();
  }

  /** Has a model of the site rank beside the one in use. */
  async compare(name: string, precision: string): Promise<void> {
    const row = this.row(name, 'site');
    await row.getByRole('combobox', { name: 'Precision' }).selectOption(precision);
    await row.getByRole('button', { name: 'Compare' }).click();
  }

  async remove(name: string): Promise<void> {
    await this.row(name)
      .getByRole('button', { name: `Delete ${name}`, exact: true })
      .click();
    await this.row(name)
      .getByRole('button', { name: `Press again to delete ${name}` })
      .click();
    await expect(this.row(name)).toBeHidden();
  }
}
