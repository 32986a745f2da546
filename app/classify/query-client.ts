// The page's one QueryClient.

import { QueryClient } from '@tanstack/react-query';

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Keys hold the content: what was computed once stays right.
        staleTime: Infinity,
        retry: false,
        refetchOnWindowFocus: false,
        // Everything is on this device or this origin's cache; the network's state says nothing about it.
        networkMode: 'always',
        // Vectors are not compared number by number.
        structuralSharing: false,
      },
    },
  });
}
