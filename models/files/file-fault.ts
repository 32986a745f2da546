/**
 * What can be wrong with one file, by the code of the system's error. Any other failure, such as too many open files, would meet the next
 * one too.
 */
const FAULTS: Readonly<Record<string, string | undefined>> = {
  ENOENT: 'it is not there',
  ENOTDIR: 'what should be its folder is a file',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'its permissions forbid it',
  EPERM: 'its permissions forbid it',
  EIO: 'the disk cannot read it',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  ERR_INVALID_ARG_VALUE: 'its name is none that a file can have',
};

/** Why this file cannot be opened or read, as the end of a sentence; undefined where the fault is not the file's own. */
export function faultOfFile({ code }: NodeJS.ErrnoException): string | undefined {
  return code === undefined ? undefined : FAULTS[code];
}
