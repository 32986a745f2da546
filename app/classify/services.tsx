// What lives as long as the page and is no state of any component.

import type { QueryClient } from '@tanstack/react-query';
import { createContext, use } from 'react';
import type { InferenceClient } from '../inference/types.ts';
import type { AddressStore } from './address-store.ts';
import type { Classifier } from './classifier.ts';
import type { EncodeWith } from './encode-with.ts';
import type { Thumbnails } from './thumbnails.ts';

/** A model at work: what runs it, and what ranks with its vectors. */
export interface Ranker {
  readonly client: InferenceClient;
  readonly classifier: Classifier;
  readonly encodeWith: EncodeWith;
}

export interface Services extends Ranker {
  readonly queryClient: QueryClient;
  /** For the model that stands beside the first one; idle while there is none. */
  readonly beside: Ranker;
  readonly address: AddressStore;
  readonly thumbnails: Thumbnails;
  /** Resolves when the page is as isolated as it is going to be: a model loads only then. */
  readonly siteReady: Promise<void>;
}

const ServicesContext = createContext<Services | null>(null);

export const ServicesProvider = ServicesContext.Provider;

export function useServices(): Services {
  const services = use(ServicesContext);
  if (services === null) throw new Error('A component was rendered outside of ServicesProvider.');
  return services;
}
