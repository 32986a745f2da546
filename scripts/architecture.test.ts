// ARCHITECTURE.md is held to the tree: its rooms are the folders that there are, and no import goes where it does not allow.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const page = readFileSync('ARCHITECTURE.md', 'utf8');

function codeBlockAfter(heading: string): string[] {
  const [, block] = page.slice(page.indexOf(heading)).split('```');
  return block.split('\n').filter((line) => line.trim() !== '');
}

/** `app/classify` and the like, from the indented list of rooms. */
function documentedRooms(): string[] {
  let parent = '';
  return codeBlockAfter('## Rooms').map((line) => {
    const [name] = line.trim().split(/\s+/);
    if (line.startsWith(' ')) return parent + name.slice(0, -1);
    parent = name;
    return name.slice(0, -1);
  });
}

const NOT_OURS = new Set(['node_modules', 'dist', 'test-results', 'runs', 'fixtures']);

function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !NOT_OURS.has(entry.name))
    .map(({ name }) => name);
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path))
    .filter((path) => /\.tsx?$/.test(path) && !/\.test\.tsx?$|[\\/]fixtures[\\/]/.test(path));
}

/** The room of a file: its first two folders. */
const roomOf = (path: string) => normalize(path).split(/[\\/]/).slice(0, 2).join('/');

function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const found = text.matchAll(
    /(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+|new URL\(\s*)['"](\.[^'"]+\.tsx?)['"]/g,
  );
  return Array.from(found, ([, target]) => join(dirname(path), target));
}

describe('ARCHITECTURE.md', () => {
  it('lists the rooms that there are', () => {
    const rooms = [
      ...foldersIn('.'),
      ...['app', 'models'].flatMap((parent) => foldersIn(parent).map((name) => `${parent}/${name}`)),
    ];
    expect(documentedRooms().sort()).toEqual(rooms.sort());
  });

  it('names files that exist', () => {
    const named = Array.from(page.matchAll(/`((?:app|models|scripts)\/[\w/.-]+\.ts)`/g), ([, path]) => path);
    expect(named.length).toBeGreaterThan(5);
    const files = new Set([...sourcesIn('app'), ...sourcesIn('models'), 'scripts/architecture.test.ts']);
    expect(named.filter((path) => !files.has(path))).toEqual([]);
  });

  it('allows every import', () => {
    const allowed = new Map(
      codeBlockAfter('## Imports').map((line) => {
        const [room, targets] = line.split('→');
        return [room.trim(), new Set(targets.split(',').map((target) => target.trim()))];
      }),
    );
    const wrong: string[] = [];
    for (const path of [...sourcesIn('app'), ...sourcesIn('models')]) {
      const room = roomOf(path);
      // The page's own files (app/*.tsx) put the rooms of app/ together.
      if (/\.tsx?$/.test(room)) continue;
      for (const target of importsOf(path)) {
        const other = roomOf(target);
        if (other !== room && !allowed.get(room)?.has(other)) wrong.push(`${path} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
