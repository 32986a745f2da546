import { expect, it } from 'vitest';
import { droppedFolder, type PickedFolder, pickedFolder } from './picked-folder.ts';

/** As a chooser of folders gives it. */
function picked(path: string): File {
  const file = new File([path], path.split('/').at(-1) ?? path);
  return Object.defineProperty(file, 'webkitRelativePath', { value: path.includes('/') ? path : '' });
}
const folderOf = (...paths: string[]) => pickedFolder(paths.map(picked));
const shown = ({ name, files }: PickedFolder) => ({ name, paths: files.map(({ path }) => path) });

it('has the paths inside the folder that was picked', () => {
  expect(shown(folderOf('tiny/config.json', 'tiny/onnx/text_model.onnx', 'tiny/.DS_Store'))).toEqual({
    name: 'tiny',
    paths: ['config.json', 'onnx/text_model.onnx', '.DS_Store'],
  });
});

it('finds the model in the folder around it, and leaves aside what lies beside it', () => {
  expect(
    shown(folderOf('downloads/cat.jpg', 'downloads/tiny/config.json', 'downloads/tiny-2/notes.txt')),
  ).toEqual({ name: 'tiny', paths: ['config.json'] });
});

it('takes the config.json that lies nearest to the top, however long the names are', () => {
  const wrapped = folderOf('w/a/b/config.json', 'w/clip-vit-base-patch32/config.json', 'w/a/b/c/config.json');
  expect(shown(wrapped)).toEqual({ name: 'clip-vit-base-patch32', paths: ['config.json'] });
  const nested = folderOf('m/onnx/config.json', 'm/config.json');
  expect(shown(nested)).toEqual({ name: 'm', paths: ['onnx/config.json', 'config.json'] });
});

it('takes files that lie in no folder', () => {
  expect(shown(folderOf('config.json', 'tokenizer.json'))).toEqual({
    name: 'model',
    paths: ['config.json', 'tokenizer.json'],
  });
});

it('refuses a folder without a model, and one with several', () => {
  expect(() => folderOf('photos/a.jpg', 'photos/my-config.json')).toThrow(
    'photos is no model folder: it holds no config.json.',
  );
  expect(() => pickedFolder([])).toThrow('This is no model folder');
  expect(() => folderOf('w/a/config.json', 'w/b/config.json')).toThrow(
    'There are several model folders in it: a, b. Add one at a time.',
  );
  const many = ['a', 'b', 'c', 'd'].map((name) => `w/${name}/config.json`);
  expect(() => folderOf(...many)).toThrow('in it: a, b, c …. Add one');
});

type Tree = { readonly [name: string]: Tree | string | DOMException };

/** An entry as browsers have it: its contents come a hundred at a time, and later than the drop. */
function entry(name: string, content: Tree | string | DOMException): FileSystemEntry {
  const isFile = typeof content === 'string';
  const left = isFile || content instanceof DOMException ? [] : Object.entries(content);
  return {
    name,
    isFile,
    isDirectory: !isFile,
    file: (found: (file: File) => void) => setTimeout(() => found(new File([String(content)], name))),
    createReader: () => ({
      readEntries: (found: (entries: FileSystemEntry[]) => void, failed: (error: unknown) => void) =>
        setTimeout(() =>
          content instanceof DOMException
            ? failed(content)
            : found(left.splice(0, 100).map(([each, below]) => entry(each, below))),
        ),
    }),
  } as unknown as FileSystemEntry;
}

/** What a drop carries, until it has been handled. */
function drop(tree: Tree): DataTransfer {
  const items = Object.entries(tree).map(([name, content]) => ({
    kind: 'file',
    webkitGetAsEntry: () => entry(name, content),
  }));
  queueMicrotask(() => items.splice(0));
  return { items } as unknown as DataTransfer;
}

it('reads a dropped folder to its end, after the drop is over', async () => {
  const many = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`${i}.txt`, 'x']));
  const folder = await droppedFolder(
    drop({ 'read me.txt': 'x', around: { tiny: { ...many, 'config.json': '{}', onnx: { 'a.onnx': 'x' } } } }),
  );
  expect(folder.name).toBe('tiny');
  expect(folder.files).toHaveLength(252);
  expect(folder.files.at(-1)?.path).toBe('onnx/a.onnx');
  expect(await folder.files.at(-2)?.file.text()).toBe('{}');
});

it('says what of a dropped folder cannot be read', async () => {
  const locked = new DOMException('', 'NotReadableError');
  await expect(droppedFolder(drop({ tiny: { 'config.json': '{}', onnx: locked } }))).rejects.toThrow(
    'The folder onnx could not be read: it was moved or deleted, or this browser may not open it.',
  );
});

it('refuses what is no folder at all', async () => {
  const text = { items: [{ kind: 'string', webkitGetAsEntry: () => null }] } as unknown as DataTransfer;
  await expect(droppedFolder(text)).rejects.toThrow('This is no model folder');
});
