// Vite: models.json, which says what the site serves (each folder under public/models/ with its licence) and which hub its
// visitors may have models from. HF_ENDPOINT names another hub than huggingface.co.

import { readdir, readFile, stat } from 'node:fs/promises';
import type { Plugin } from 'vite';
import { hubEndpoint } from '../models/clip/hub.ts';
import { licenseOf } from '../models/clip/model-card.ts';
import { isPlainName } from '../models/clip/plain-path.ts';

const FOLDER = 'public/models';
const PATH = 'models.json';

export function siteModels(): Plugin {
  return {
    name: 'site-models',
    async generateBundle() {
      this.emitFile({ type: 'asset', fileName: PATH, source: await siteIndex() });
    },
    configureServer({ middlewares }) {
      middlewares.use(`/${PATH}`, (_request, response, next) => {
        siteIndex().then((json) => response.setHeader('Content-Type', 'application/json').end(json), next);
      });
    },
  };
}

/**
 * @param given the hub's address; empty for huggingface.co
 * @throws a sentence where that is none, or where the page could not name a folder
 */
export async function siteIndex(
  root = FOLDER,
  given: string | undefined = process.env.HF_ENDPOINT,
): Promise<string> {
  const models: { folder: string; license: string | null }[] = [];
  for (const folder of (await readdir(root).catch(() => [])).sort()) {
    const isModel = await stat(`${root}/${folder}/manifest.json`).then(
      () => true,
      () => false,
    );
    if (!isModel) continue;
    if (!isPlainName(folder)) {
      throw new Error(
        `${root}/${folder} cannot be served: a name in plain letters, digits, hyphens, underscores and dots was expected. Rename the folder.`,
      );
    }
    const card = await readFile(`${root}/${folder}/README.md`, 'utf8').catch(() => '');
    models.push({ folder, license: licenseOf(card) });
  }
  return JSON.stringify({ hub: hubEndpoint(given), models });
}
