/** English plurals of class names, as people type them. */

const IRREGULAR: Readonly<Record<string, string>> = {
  man: 'men',
  woman: 'women',
  person: 'people',
  child: 'children',
  foot: 'feet',
  tooth: 'teeth',
  goose: 'geese',
  mouse: 'mice',
  ox: 'oxen',
  fungus: 'fungi',
  axis: 'axes',
  crisis: 'crises',
  oasis: 'oases',
  elf: 'elves',
  lens: 'lenses',
  quiz: 'quizzes',
  stomach: 'stomachs',
};
/** Compounds of man; German and human are none. */
const ENDS_IN_MAN =
  /(?:business|cave|fire|fisher|frog|harvest|horse|milk|police|post|sales|snow|space|super|watch)(?:wo)?man$/;
/** One and several are the same, or there are no several; so with compounds: goldfish, mountain sheep, footwear. */
const UNCHANGED =
  /(?:fish|sheep|deer|bison|swine|craft|squid|salmon|trout|moose|elk|cattle|poultry|ware|wear|clothing|equipment|furniture|jewelry|jewellery|food|hosiery|bedding|armou?r|cutlery|machinery|chassis)$/;
const F_TO_VES = /(?:(?:lea|loa|wol|cal|hal|shel|scar|thie)f|(?:kni|wi|li)fe)$/;
const O_TO_OES = /(?:potato|tomato|torpedo|mosquito|buffalo|mango|volcano|hero|echo)$/;
/** "chest of drawers", "hen-of-the-woods": what comes first is what there are several of. */
const FIRST_PART = /^([^ ]+?)([ -](?:of|in)[ -].+)$/;

/** The plural of a name in lower case; the name itself where it is one already, or has none. */
export function pluralOf(name: string): string {
  const [, first, rest] = name.match(FIRST_PART) ?? [];
  if (first !== undefined) return pluralOf(first) + rest;
  const last = name.slice(name.search(/[^ -]+$/));
  if (Object.hasOwn(IRREGULAR, last)) return name.slice(0, -last.length) + IRREGULAR[last];
  if (ENDS_IN_MAN.test(last)) return `${name.slice(0, -2)}en`;
  if (UNCHANGED.test(last)) return name;
  if (F_TO_VES.test(last)) return name.replace(/fe?$/, 'ves');
  if (O_TO_OES.test(last) || /(?:us|ss|is|sh|ch|x|z)$/.test(last)) return `${name}es`;
  if (last.endsWith('s')) return name;
  if (/[^aeiou]y$/.test(last)) return `${name.slice(0, -1)}ies`;
  return `${name}s`;
}
