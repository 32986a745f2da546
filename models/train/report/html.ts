// HTML as tagged templates in which every word is escaped, unless it is HTML itself: what data says cannot become markup.
//
//   html`<li>${label}</li>`

import { escapeUTF8 } from 'entities/escape';

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | null | undefined | readonly Part[];

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(
    strings.slice(1).reduce((whole, string, i) => whole + textOf(parts[i]) + string, strings[0]),
  );
}

function textOf(part: Part): string {
  if (part === null || part === undefined) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'string') return escapeUTF8(part);
  return typeof part === 'number' ? String(part) : part.map(textOf).join('');
}
