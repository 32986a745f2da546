import { expect, test } from 'vitest';
import { expandBraces, parseSpec } from './source-spec.ts';

test('paths, with how many times their rows are seen', () => {
  expect(parseSpec('a, b/c.csv*2 ,d/{0..9}.tar*99')).toEqual([
    { path: 'a', times: 1 },
    { path: 'b/c.csv', times: 2 },
    { path: 'd/{0..9}.tar', times: 99 },
  ]);
});

test.each(['a*', 'a*0', 'a*100', 'a*1.5', 'a*2*3', 'photos/*.jpg', 'a*-1'])('%s is refused', (spec) => {
  expect(() => parseSpec(`x,${spec}`)).toThrow(
    `Opening the data ${spec}: found * without a single number from 1 to 99 after it, expected path*2`,
  );
});

test('an empty path is refused', () => {
  for (const spec of ['', 'a,', ',a', '*2']) expect(() => parseSpec(spec)).toThrow('found an empty path');
});

test('braces are numbers, padded as a shell pads them', () => {
  expect(expandBraces('s/{08..11}.tar')).toEqual(['s/08.tar', 's/09.tar', 's/10.tar', 's/11.tar']);
  expect(expandBraces('{8..11}')).toEqual(['8', '9', '10', '11']);
  expect(expandBraces('{0..10}')).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
  expect(expandBraces('{9..010}')).toEqual(['009', '010']);
  expect(expandBraces('a{0..1}b{00..01}c')).toEqual(['a0b00c', 'a0b01c', 'a1b00c', 'a1b01c']);
});

test.each([
  ['s/{a', '{a'],
  ['s/{a..b}.tar', '{a..b}.tar'],
  ['s/3}.tar', 'a closing brace without an opening one'],
  ['s/{3..1}.tar', '3 before 1'],
  ['s/{{0..1}..2}', '{'],
  ['s/{0..1}}', '{0..1}}'],
  ['s/{0..99999999}', 'more than 1000000 files'],
])('%s is refused', (path, found) => {
  expect(() => expandBraces(path)).toThrow(
    `Opening the data ${path}: found ${found}, expected braces with two numbers`,
  );
});
