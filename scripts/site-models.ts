// Vite: models.json, which says what the site serves (each folder under public/models/ with its licence) and which hub its
// visitors may have models from. HF_ENDPOINT names another hub than huggingface.co.

import { readdir, readFile, stat } from 'node:fs/promises';
import type { Plugin } from 'vite';
import { HUB_ENDPOINT } from '../models/clip/hub.ts';
import { licenseOf } from '../models/clip/model-card.ts';

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

async function siteIndex(): Promise<string> {
  const models: { folder: string; license: string | null }[] = [];
  for (const folder of (await readdir(FOLDER).catch(() => [])).sort()) {
    const isModel = await stat(`${FOLDER}/${folder}/manifest.json`).then(
      () => true,
      () => false,
    );
    if (!isModel) continue;
    const card = await readFile(`${FOLDER}/${folder}/README.md`, 'utf8').catch(() => '');
    models.push({ folder, license: licenseOf(card) });
  }
  const hub = process.env.HF_ENDPOINT || HUB_ENDPOINT;
  return JSON.stringify({ hub: hub.replace(/\/+$/, ''), models });
}
