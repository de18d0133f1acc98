/** By what services tell in words of what they made; {} is whatever stands there. */
export type Told = Readonly<Record<string, string>>;

/** Between things that are told one after the other. */
const NEXT = '; ';

/** Says words of a service about what it made in another language; as they are where they are not known there. */
export function teller(told: Told): (words: string) => string {
  const forms = Object.entries(told).map(([said, ours]): Form => [formOf(said), ours]);
  return (words) => toldWords(words, forms);
}

type Form = [said: RegExp, ours: string];

function toldWords(words: string, forms: Form[]): string {
  const parts = words.split(NEXT);
  const ours: string[] = [];
  for (let from = 0; from < parts.length; ) {
    const [said, to] = longest(parts, from, forms) ?? [parts[from] ?? '', from + 1];
    ours.push(said);
    from = to;
  }
  return ours.join(NEXT);
}

/** The longest of what begins there that is known, and where it ends: what is told may have such a mark within itself. */
function longest(parts: string[], from: number, forms: Form[]): [string, number] | null {
  for (let to = parts.length; to > from; to -= 1) {
    const words = parts.slice(from, to).join(NEXT);
    const said = known(words, forms) ?? knownAbout(words, forms);
    if (said !== null) return [said, to];
  }
  return null;
}

/** What is told of a model or a file, whose name stands before it. */
function knownAbout(words: string, forms: Form[]): string | null {
  const [, name, rest = ''] = /^([^\s:]+): (.+)$/s.exec(words) ?? [];
  const said = known(rest, forms);
  return said && `${name}: ${said}`;
}

function known(words: string, forms: Form[]): string | null {
  for (const [form, ours] of forms) {
    const found = form.exec(words);
    if (found)
      return ours.replace(/\{(\d)\}/g, (_, at: string) =>
        toldWords(found[Number(at) + 1] ?? '', forms),
      );
  }
  return null;
}

/** What a text matches whose {} are whatever stands there. */
function formOf(said: string): RegExp {
  const parts = said.split('{}').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('(.+?)')}$`, 's');
}
