// Models: what the site serves, what this device keeps, and the ways to have more. The browser's own dialog: it keeps the focus, and
// Escape closes it.

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { nameOnDevice } from '../inference/place.ts';
import type { ModelChoice, ModelReport } from '../inference/types.ts';
import { type DeviceModel, listDeviceModels, removeDeviceModel } from '../storage/device-models.ts';
import { dropRecord } from '../storage/model-files.ts';
import { removeVectorModel } from '../storage/vectors.ts';
import { Button } from '../ui/button.tsx';
import { formatBytes } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { toast } from '../ui/toast.ts';
import { hostToasts } from '../ui/toast-host.ts';
import { AddModel } from './add-model.tsx';
import { AdditionRow, UnfinishedRow } from './addition-row.tsx';
import { type ListedModel, ModelRow } from './model-row.tsx';
import { PublishedModels } from './published-models.tsx';
import { loadSiteIndex, loadSiteModel, type SiteIndex, siteFolderUrl } from './site-index.ts';
import { DEVICE_MODELS_KEY, LIBRARY_KEY, useAdditions } from './use-additions.ts';
import './models-view.css';

interface ModelsViewProps {
  readonly use: ModelChoice;
  readonly beside: ModelChoice | null;
  /** Of what runs now: they say which precision was taken. */
  readonly reports: readonly (ModelReport | null)[];
  readonly onUse: (choice: ModelChoice) => void;
  readonly onBeside: (choice: ModelChoice | null) => void;
  readonly onClose: () => void;
  /** Resolves when a worker of the page's may be told by its policy which other server to ask. */
  readonly policyReady: () => Promise<void>;
}

export default function ModelsView(props: ModelsViewProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const closeButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    closeButton.current?.focus();
    return () => element?.close();
  }, []);
  const close = () => dialog.current?.close();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: by keyboard, Escape and the button close it
    <dialog
      ref={dialog}
      className="models"
      aria-labelledby="models-title"
      onClose={props.onClose}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div className="models-body">
        <header className="models-head">
          <h2 id="models-title">Models</h2>
          <Button look="quiet" className="button-icon" aria-label="Close" ref={closeButton} onClick={close}>
            <Icon name="close" />
          </Button>
        </header>
        <Lists {...props} />
      </div>
      <div ref={hostToasts} />
    </dialog>
  );
}

function Lists({ use, beside, reports, onUse, onBeside, policyReady }: ModelsViewProps) {
  const site = useSite(use.model);
  const device = useDeviceModels();
  const additions = useAdditions(policyReady);
  const queryClient = useQueryClient();
  const chosen = { use, beside, reports, onUse, onBeside };

  const remove = async (model: ListedModel, forget: () => Promise<void>) => {
    await forget();
    await removeVectorModel(model.modelKey);
    if (beside?.model === model.name) onBeside(null);
    if (use.model === model.name && site.models[0]) onUse({ model: site.models[0].name, precision: 'auto' });
    await queryClient.invalidateQueries({ queryKey: LIBRARY_KEY });
    toast(`${model.title} is deleted: ${formatBytes(model.keptBytes)} of this device are free again.`);
  };
  const onRemove = (model: ListedModel, forget: () => Promise<void>) => {
    remove(model, forget).catch((error: unknown) => toast(String(error), { kind: 'problem' }));
  };

  const running = additions.list;
  const unfinished = device.models.filter(
    ({ id, whole }) => whole === null && !running.some((addition) => addition.id === id),
  );
  const bytes = device.models.reduce((sum, model) => sum + model.bytes, 0);
  return (
    <>
      <section aria-labelledby="models-site">
        <h3 id="models-site">On this site</h3>
        {site.problem !== null && <p className="models-problem">{site.problem}</p>}
        <ul className="model-list">
          {site.models.map((model) => (
            <ModelRow
              key={model.name}
              model={model}
              {...chosen}
              onRemove={
                // What runs is kept again at once.
                model.keptBytes === 0 || [use.model, beside?.model].includes(model.name)
                  ? null
                  : () => onRemove(model, () => dropRecord(siteFolderUrl(model.name, document.baseURI)))
              }
            />
          ))}
        </ul>
      </section>
      <section aria-labelledby="models-device">
        <h3 id="models-device">
          On this device {bytes > 0 && <small className="numbers">{formatBytes(bytes)}</small>}
        </h3>
        {device.problem !== null && <p className="models-problem">{device.problem}</p>}
        <ul className="model-list">
          {running.map((addition) => (
            <AdditionRow
              key={addition.id}
              addition={addition}
              onDismiss={() => additions.dismiss(addition.id)}
            />
          ))}
          {device.models.flatMap((model) => {
            const listed = listedOf(model);
            return listed === null ? (
              []
            ) : (
              <ModelRow
                key={model.id}
                model={listed}
                {...chosen}
                onRemove={() => onRemove(listed, () => removeDeviceModel(model.id))}
              />
            );
          })}
          {unfinished.map((model) => (
            <UnfinishedRow
              key={model.id}
              model={model}
              onGoOn={(source) => additions.addTyped(source, 'auto', site.index.hub)}
              onRemove={() => {
                removeDeviceModel(model.id)
                  .then(() => queryClient.invalidateQueries({ queryKey: LIBRARY_KEY }))
                  .catch((error: unknown) => toast(String(error), { kind: 'problem' }));
              }}
            />
          ))}
        </ul>
        {device.models.length === 0 && running.length === 0 && device.problem === null && (
          <p className="models-note">
            None yet. What you add below is kept here, and works with the network off.
          </p>
        )}
      </section>
      <AddModel additions={additions} hub={site.index.hub} />
      <PublishedModels
        hub={site.index.hub}
        has={(id) => device.models.some((model) => model.id === id) || running.some((each) => each.id === id)}
        onAdd={(id, precision) => additions.addTyped(id, precision, site.index.hub)}
      />
    </>
  );
}

const NO_INDEX: SiteIndex = { hub: 'https://huggingface.co', models: [] };

/** The folders that the site lists, and the one in use where it lists it not. */
function useSite(inUse: string) {
  const base = document.baseURI;
  const index = useQuery({ queryKey: [...LIBRARY_KEY, 'site'], queryFn: () => loadSiteIndex(base) });
  const listed = index.data?.models ?? [];
  const folders =
    inUse.startsWith('device:') || listed.some(({ folder }) => folder === inUse)
      ? listed
      : [...listed, { folder: inUse, license: null }];
  const models = useQuery({
    queryKey: [...LIBRARY_KEY, 'site-models', folders],
    queryFn: () => Promise.all(folders.map(({ folder, license }) => loadSiteModel(folder, license, base))),
    enabled: index.data !== undefined,
    // What is kept of them changes with what is used.
    staleTime: 0,
  });
  const problem = index.error ?? models.error;
  return {
    index: index.data ?? NO_INDEX,
    models: (models.data ?? []).map(
      ({ folder, ...model }): ListedModel => ({ name: folder, title: folder, ...model }),
    ),
    problem: problem === null ? null : `What the site serves could not be listed: ${problem.message}`,
  };
}

/** Null while it is not whole. */
function listedOf({ id, about, whole, bytes }: DeviceModel): ListedModel | null {
  return whole && { name: nameOnDevice(id), title: id, license: about.license, keptBytes: bytes, ...whole };
}

function useDeviceModels() {
  const { data, error } = useQuery({ queryKey: DEVICE_MODELS_KEY, queryFn: listDeviceModels });
  return { models: data ?? [], problem: error?.message ?? null };
}
