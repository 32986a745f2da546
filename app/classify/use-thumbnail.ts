import { useEffect, useState } from 'react';
import { type Photo, readPhoto } from './photos.ts';
import { useServices } from './services.tsx';

export type ThumbnailState = { readonly url: string | null; readonly broken: boolean };

/** A small copy of the photograph for as long as something shows it. */
export function useThumbnail(photo: Photo): ThumbnailState {
  const { thumbnails } = useServices();
  const [made, setMade] = useState<{ key: string; url: string | null } | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    thumbnails
      .get(photo.key, () => readPhoto(photo), photo.name, abort.signal)
      .then(
        (url) => url,
        () => null,
      ) // the card says what is wrong with a picture that cannot be decoded
      .then((url) => {
        if (!abort.signal.aborted) setMade({ key: photo.key, url });
      });
    return () => abort.abort();
  }, [thumbnails, photo]);
  const current = made?.key === photo.key ? made : null;
  return {
    url: current?.url ?? thumbnails.peek(photo.key) ?? null,
    broken: current !== null && current.url === null,
  };
}
