// The worker that takes one model onto this device, and the only one that may ask another server: the service worker gives it a content
// security policy that names the hosts of its address' query and no others (app/security.ts). It is ended to cancel.

import { expose } from 'comlink';
import type { KeepApi } from './api.ts';
import { keepFolder, keepRemote } from './keep-model.ts';

const api: KeepApi = {
  remote: (source, precision, onProgress) => keepRemote(source, precision, onProgress),
  folder: (name, files, onProgress) => keepFolder(name, files, onProgress),
};

expose(api);
