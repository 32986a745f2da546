import { describe, expect, it } from 'vitest';
import { loadRequest } from './load-request.ts';

const request = (query: string) =>
  loadRequest(new URL(`https://site.example/lens/${query}`), new URL('https://site.example/lens/'));

describe('loadRequest', () => {
  it('takes the model of the site on the best device', () => {
    expect(request('')).toEqual({
      modelUrl: 'https://site.example/lens/models/promptlens-mini/',
      backend: 'auto',
      allowSoftwareAdapter: false,
    });
  });

  it('does what the address asks', () => {
    expect(request('?model=tiny-2.1&backend=webgpu&software-adapter')).toEqual({
      modelUrl: 'https://site.example/lens/models/tiny-2.1/',
      backend: 'webgpu',
      allowSoftwareAdapter: true,
    });
  });

  it.each(['../secret', '..', '.git', '//other.example', 'a/b', 'https://other.example/', ''])(
    'never leaves the folder of models for %j',
    (model) => {
      expect(request(`?model=${encodeURIComponent(model)}`).modelUrl).toBe(
        'https://site.example/lens/models/promptlens-mini/',
      );
    },
  );
});
