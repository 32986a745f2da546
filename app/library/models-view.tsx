// Models: what the site serves, what this device keeps, and the ways to have more. The browser's own dialog: it keeps the focus, and
// Escape closes it.

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { modelKeysOf } from '../../models/clip/manifest.ts';
import { messageOf } from '../../models/clip/message-of.ts';
import { nameOnDevice, placeOf } from '../inference/place.ts';
import type { ModelChoice, ModelReport } from '../inference/types.ts';
import {
  type DeviceModel,
  listDeviceModels,
  removeDeviceModel,
  whileWriting,
} from '../storage/device-models.ts';
import { dropRecord } from '../storage/model-files.ts';
import { removeVectorModel } from '../storage/vectors.ts';
import { Button } from '../ui/button.tsx';
import { formatBytes } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { toast } from '../ui/toast.ts';
import { hostToasts } from '../ui/toast-host.ts';
import { AddModel } from './add-model.tsx';
import { AdditionRow, UnfinishedRow } from './addition-row.tsx';
import { type Additions, DEVICE_MODELS_KEY, LIBRARY_KEY } from './additions.ts';
import { type ListedModel, ModelRow } from './model-row.tsx';
import { PublishedModels } from './published-models.tsx';
import { loadSiteIndex, loadSiteModel, siteFolderUrl } from './site-index.ts';
import { useAdditions } from './use-additions.ts';
import './models-view.css';

interface ModelsViewProps {
  readonly use: ModelChoice;
  readonly beside: ModelChoice | null;
  /** Of the model in use: it says which precision was taken. Null while it loads. */
  readonly report: ModelReport | null;
  /** What takes the place of a model that is deleted. */
  readonly fallback: ModelChoice;
  readonly onUse: (choice: ModelChoice) => void;
  readonly onBeside: (choice: ModelChoice | null) => void;
  readonly onClose: () => void;
  /** They go on while this list is closed. */
  readonly additions: Additions;
  /** As models are loaded with it. */
  readonly allowSoftwareAdapter: boolean;
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
      // Not where it is open again by then: React's strict mode closes and opens it once, and the browser tells of it later.
      onClose={({ currentTarget }) => {
        if (!currentTarget.open) props.onClose();
      }}
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

function Lists({ use, beside, report, fallback, onUse, onBeside, ...props }: ModelsViewProps) {
  const site = useSite(use.model);
  const device = useDeviceModels();
  const additions = useAdditions(props.additions, props.allowSoftwareAdapter);
  const queryClient = useQueryClient();
  const heading = useRef<HTMLHeadingElement>(null);
  const chosen = { use, beside, report, onUse, onBeside };

  const remove = async (model: ListedModel, forget: () => Promise<void>) => {
    // First: where it may not be deleted, the visitor keeps what is in use.
    await forget();
    if (use.model === model.name) onUse(fallback);
    // Afterwards: a model that takes the place of another leaves the one beside it as it was.
    if (beside?.model === model.name) onBeside(null);
    for (const key of (await modelKeysOf(model.files)).values()) await removeVectorModel(key);
    toast(`${model.title} is deleted: ${formatBytes(model.keptBytes)} of this device are free again.`);
  };
  const afterwards = async (work: Promise<void>) => {
    try {
      await work;
    } catch (error) {
      toast(messageOf(error), { kind: 'problem' });
    }
    await queryClient.invalidateQueries({ queryKey: LIBRARY_KEY });
    // The button that was pressed is gone.
    heading.current?.focus();
  };
  const removeKept = (id: string) => whileWriting(id, () => removeDeviceModel(id));

  const { hub } = site;
  const running = additions.list;
  const coming = new Set(running.flatMap(({ id, problem }) => (problem === null ? [id] : [])));
  const unfinished = device.models.filter(({ id, whole }) => whole === null && !coming.has(id));
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
                  : () =>
                      void afterwards(
                        remove(model, () => dropRecord(siteFolderUrl(model.name, document.baseURI))),
                      )
              }
            />
          ))}
        </ul>
      </section>
      <section aria-labelledby="models-device">
        <h3 id="models-device" ref={heading} tabIndex={-1}>
          On this device {bytes > 0 && <small className="numbers">{formatBytes(bytes)}</small>}
        </h3>
        {device.problem !== null && <p className="models-problem">{device.problem}</p>}
        <ul className="model-list">
          {running.map((addition) => (
            <AdditionRow
              key={addition.id}
              addition={addition}
              onDismiss={() => {
                additions.dismiss(addition.id);
                heading.current?.focus();
              }}
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
                onRemove={
                  // A further precision is on its way into its folder.
                  coming.has(model.id)
                    ? null
                    : () => void afterwards(remove(listed, () => removeKept(model.id)))
                }
              />
            );
          })}
          {unfinished.map((model) => (
            <UnfinishedRow
              key={model.id}
              model={model}
              onGoOn={hub === null ? null : (source) => additions.addTyped(source, 'auto', hub)}
              onRemove={() => void afterwards(removeKept(model.id))}
            />
          ))}
        </ul>
        {device.models.length === 0 && running.length === 0 && device.problem === null && (
          <p className="models-note">
            None yet. What you add below is kept here, and works with the network off.
          </p>
        )}
      </section>
      <AddModel additions={additions} hub={hub} />
      <PublishedModels
        hub={hub}
        stateOf={(id) =>
          coming.has(id)
            ? 'coming'
            : device.models.some((model) => model.id === id && model.whole !== null)
              ? 'here'
              : 'away'
        }
        onAdd={(id, precision) => hub !== null && additions.addTyped(id, precision, hub)}
      />
    </>
  );
}

/** The folders that the site lists, and the one in use where it lists it not. */
function useSite(inUse: string) {
  const base = document.baseURI;
  const index = useQuery({ queryKey: [...LIBRARY_KEY, 'site'], queryFn: () => loadSiteIndex(base) });
  const listed = index.data?.models ?? [];
  const isUnlisted =
    placeOf(inUse, new URL(base))?.on === 'site' && !listed.some(({ folder }) => folder === inUse);
  const folders = isUnlisted ? [...listed, { folder: inUse, license: null }] : listed;
  const models = useQuery({
    queryKey: [...LIBRARY_KEY, 'site-models', folders],
    // One that cannot be had, as with the network off, does not hide the others.
    queryFn: () =>
      Promise.allSettled(folders.map(({ folder, license }) => loadSiteModel(folder, license, base))),
    // What is kept of them changes with what is used.
    staleTime: 0,
  });
  const outcomes = models.data ?? [];
  const problems = [
    ...(index.error === null ? [] : [`What the site serves could not be listed: ${index.error.message}`]),
    ...outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [messageOf(outcome.reason)] : [])),
  ];
  return {
    /** Null while it is not known. */
    hub: index.data?.hub ?? null,
    models: outcomes.flatMap((outcome): ListedModel[] => {
      if (outcome.status === 'rejected') return [];
      const { folder, ...model } = outcome.value;
      return [{ name: folder, title: folder, ...model }];
    }),
    problem: problems.length === 0 ? null : problems.join(' '),
  };
}

/** Null while it is not whole. */
function listedOf({ id, about, whole, bytes }: DeviceModel): ListedModel | null {
  return whole && { name: nameOnDevice(id), title: id, license: about.license, keptBytes: bytes, ...whole };
}

function useDeviceModels() {
  const { data, error } = useQuery({
    queryKey: DEVICE_MODELS_KEY,
    queryFn: listDeviceModels,
    // Another tab may have added or deleted some.
    staleTime: 0,
  });
  return { models: data ?? [], problem: error?.message ?? null };
}
