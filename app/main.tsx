// The page begins here.

import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode, startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { TEMPLATE_SETS } from '../models/clip/prompts.ts';
import { App } from './app.tsx';
import { createAddressStore } from './classify/address-store.ts';
import { Classifier } from './classify/classifier.ts';
import { createEncodeWith } from './classify/encode-with.ts';
import { EXAMPLE_LABELS } from './classify/examples.ts';
import { givenChoice } from './classify/load-request.ts';
import { hasUnkept } from './classify/photos.ts';
import { createQueryClient } from './classify/query-client.ts';
import { type Ranker, type Services, ServicesProvider } from './classify/services.tsx';
import { createThumbnails } from './classify/thumbnails.ts';
import { createInferenceClient } from './inference/client.ts';
import { createAdditions } from './library/additions.ts';
import { answeredByServiceWorker, startSite } from './site.ts';
import './ui/tokens.css';
import './ui/base.css';

// In a task of its own: that the libraries were evaluated was one already.
setTimeout(start);

function start(): void {
  const queryClient = createQueryClient();
  const services: Services = {
    queryClient,
    ...createRanker(queryClient, 'first'),
    beside: createRanker(queryClient, 'beside'),
    address: createAddressStore({
      labels: EXAMPLE_LABELS,
      templates: TEMPLATE_SETS[0].templates,
      layout: 'grid',
      sort: { by: 'added' },
      onlyLabel: null,
      onlyCertainty: null,
      model: givenChoice(new URL(location.href), new URL(document.baseURI)),
      beside: null,
    }),
    thumbnails: createThumbnails(),
    siteReady: startSite(() => hasUnkept(queryClient)),
  };

  const additions = createAdditions(queryClient, answeredByServiceWorker);

  const root = document.getElementById('app');
  if (root === null) throw new Error('index.html has no element with the id app.');
  // In a transition, which gives the thread back every few milliseconds.
  startTransition(() =>
    createRoot(root).render(
      <StrictMode>
        <QueryClientProvider client={queryClient}>
          <ServicesProvider value={services}>
            <App additions={additions} />
          </ServicesProvider>
        </QueryClientProvider>
      </StrictMode>,
    ),
  );
}

function createRanker(queryClient: QueryClient, name: string): Ranker {
  const client = createInferenceClient();
  const classifier = new Classifier(queryClient, name);
  return { client, classifier, encodeWith: createEncodeWith(client, classifier) };
}
