// What lives as long as the page and is no state of any component.

import type { QueryClient } from '@tanstack/react-query';
import { createContext, use } from 'react';
import type { InferenceClient } from '../inference/types.ts';
import type { AddressStore } from './address-store.ts';
import type { Classifier } from './classifier.ts';
import type { EncodeWith } from './encode-with.ts';
import type { Thumbnails } from './thumbnails.ts';

export interface Services {
  readonly queryClient: QueryClient;
  readonly client: InferenceClient;
  readonly classifier: Classifier;
  readonly address: AddressStore;
  readonly thumbnails: Thumbnails;
  readonly encodeWith: EncodeWith;
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
