// What OpenAI's Python does to a text before its tokenizer (`basic_clean` and `whitespace_clean` in openai/CLIP's
// simple_tokenizer.py): HTML entities resolved twice, for text that was escaped twice, and white space collapsed. The
// repair of wrongly decoded characters (ftfy) is left out. The tokenizer itself does none of this, as tokenizer.json
// asks for none (split-words.ts): the page applies it to what a person pastes, and shows the result.

import { decodeHTML } from 'entities/decode';

/** Text as it was meant: entities resolved twice as Python's `html.unescape` does, white space runs to one space, trimmed. */
export function cleanPastedText(text: string): string {
  return resolveEntities(resolveEntities(text)).replace(WHITE_SPACE, ' ').replace(/^ | $/g, '');
}

/** What Python's `\s` and `str.strip` take for white space: Unicode's, and four separators of ASCII. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is meant
const WHITE_SPACE = /[\p{White_Space}\x1c-\x1f]+/gu;

const ENTITY = /&(?:#\d+;?|#[xX][\da-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/g;

/** Characters that a number may name and Python drops. */
const DROPPED = /^(?![\t\n\f\r\u0080-\u009f])[\p{Cc}\p{Noncharacter_Code_Point}]$/u;

function resolveEntities(text: string): string {
  return text.replace(ENTITY, (entity) => {
    const character = decodeHTML(entity);
    return entity[1] === '#' && DROPPED.test(character) ? '' : character;
  });
}
