// What may be the path of a model's file, wherever a list of files comes from outside: it becomes a path on this device, and part of
// an address.

/** What every disk and address takes. */
const MAX_LENGTH = 255;
/** Names that are the same in an address and on every disk, hide nowhere and cannot lead out of the folder. */
const PLAIN = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$/;

/** Whether `path` is that of a file inside a folder, `/` between its parts: `onnx/vision_model.onnx`. */
export function isPlainPath(path: string): boolean {
  return path.length <= MAX_LENGTH && PLAIN.test(path);
}

/** The same of one name: of a file, or of a folder that an address names. */
export function isPlainName(name: string): boolean {
  return isPlainPath(name) && !name.includes('/');
}
