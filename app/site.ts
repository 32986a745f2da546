// The page's dealings with its service worker (service-worker.ts): offline use, threads on plain static hosting, and new
// versions of the site, which are offered to the visitor and never forced.

import { ANSWER, TAKE_OVER } from './storage/take-over.ts';

/** In sessionStorage while a reload for isolation has been tried and has not helped yet. */
const RELOADED = 'promptlens-reloaded-for-isolation';
/** Installing takes about a second. On a slow line one thread now is better than more threads later. */
const ISOLATION_WAIT_MS = 5_000;
const UPDATE_CHECK_MS = 3_600_000;

const listeners = new Set<() => void>();
let updateAvailable = false;
/** The new version, while it waits. Null where another tab has put it in charge already. */
let waiting: ServiceWorker | null = null;
let applying = false;
let reloadCosts: () => Promise<boolean> = async () => false;

/**
 * Call once when the page starts. Resolves when the page is as isolated as it is going to be: load a model only then. Where
 * the service worker can isolate the page, it is reloaded once and the promise never resolves.
 *
 * @param costs resolves when nothing is being stored: true where a reload would lose something of the visitor's
 */
export async function startSite(costs: () => Promise<boolean>): Promise<void> {
  reloadCosts = costs;
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const registered = register();
  // A page that is isolated has nothing to wait for: the model loads while the service worker installs.
  if (crossOriginIsolated) void registered.then(forgetReload);
  else if (await registered) await isolate();
}

/** False where this browser does not let the page have a service worker. */
async function register(): Promise<boolean> {
  try {
    const registration = await navigator.serviceWorker.register(
      new URL('service-worker.js', document.baseURI),
      { updateViaCache: 'none' },
    );
    watchForUpdates(registration);
    return true;
  } catch (error) {
    console.warn('This browser does not let the page work offline:', error);
    return false;
  }
}

/**
 * Resolves when the service worker answers for this page, also where the page was opened before there was one. Rejects with a sentence
 * where this browser lets it have none.
 */
export async function answeredByServiceWorker(): Promise<void> {
  if (!import.meta.env.PROD || navigator.serviceWorker?.controller) return;
  const registration = await navigator.serviceWorker?.getRegistration(document.baseURI);
  if (registration === undefined) {
    throw new Error(
      'This browser lets the page have no service worker, which is what names the one other server that may be asked. Download the model yourself and add its folder.',
    );
  }
  const answered = new Promise((resolve) =>
    navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
  );
  (await navigator.serviceWorker.ready).active?.postMessage(ANSWER);
  // It may have come before anybody listened.
  if (navigator.serviceWorker.controller === null) await answered;
}

/** Calls `listener` when a new version is ready, at once if it is already. Returns the function that ends it. */
export function onUpdateAvailable(listener: () => void): () => void {
  listeners.add(listener);
  if (updateAvailable) listener();
  return () => listeners.delete(listener);
}

/**
 * Puts the new version in charge and reloads this page, once nothing is being stored. Other tabs are offered it as this one
 * was.
 */
export async function applyUpdate(): Promise<void> {
  applying = true;
  if (waiting === null) await reload();
  else waiting.postMessage(TAKE_OVER);
}

async function reload(): Promise<void> {
  await reloadCosts();
  location.reload();
}

/** @param canStore false where the browser refuses service workers, and then session storage too */
function forgetReload(canStore: boolean): void {
  if (canStore) sessionStorage.removeItem(RELOADED);
}

async function isolate(): Promise<void> {
  if (sessionStorage.getItem(RELOADED) !== null) return;
  const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), ISOLATION_WAIT_MS));
  if ((await Promise.race([navigator.serviceWorker.ready, late])) === 'late') return;
  // Photographs may have been dropped meanwhile. What is not stored, or not yet, is worth more than threads.
  if ((await Promise.race([reloadCosts(), late])) !== false) return;
  sessionStorage.setItem(RELOADED, 'yes');
  location.reload();
  await new Promise<never>(() => {});
}

function watchForUpdates(registration: ServiceWorkerRegistration): void {
  let watched: ServiceWorker | null = null;
  const watch = () => {
    // What is kept already installs in a moment, perhaps before this page hears of it.
    const worker = registration.installing ?? registration.waiting;
    if (worker === null || worker === watched) return;
    watched = worker;
    const isUpdate = registration.active !== null;
    const offerOnceInstalled = () => {
      if (worker.state === 'installed' && isUpdate) offer(worker);
    };
    worker.addEventListener('statechange', offerOnceInstalled);
    offerOnceInstalled();
  };
  watch();
  registration.addEventListener('updatefound', watch);
  const check = () => void registration.update().catch(ignoreOffline);
  setInterval(check, UPDATE_CHECK_MS);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') check();
  });
}

function offer(worker: ServiceWorker): void {
  waiting = worker;
  worker.addEventListener('statechange', () => {
    if (worker.state !== 'activated') return;
    waiting = null;
    if (applying) void reload();
  });
  updateAvailable = true;
  for (const listener of listeners) listener();
}

/** There is no news without a network; the next check may have some. */
function ignoreOffline(error: unknown): void {
  if (!(error instanceof TypeError)) throw error;
}
