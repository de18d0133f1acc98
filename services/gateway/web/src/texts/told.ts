import { catalogue } from '.';

/** Between things that are told one after the other. */
const NEXT = '; ';

/** Words of a service about what it made, in the language that was chosen; as it says them where nobody here knows them. */
export function toldWords(words: string): string {
  const parts = words.split(NEXT);
  const ours: string[] = [];
  for (let from = 0; from < parts.length; ) {
    const [said, to] = longest(parts, from) ?? [parts[from] ?? '', from + 1];
    ours.push(said);
    from = to;
  }
  return ours.join(NEXT);
}

/** The longest of what begins there that is known, and where it ends: what is told may have such a mark within itself. */
function longest(parts: string[], from: number): [string, number] | null {
  for (let to = parts.length; to > from; to -= 1) {
    const words = parts.slice(from, to).join(NEXT);
    const said = known(words) ?? knownAbout(words);
    if (said !== null) return [said, to];
  }
  return null;
}

/** What is told of a model or a file, whose name stands before it. */
function knownAbout(words: string): string | null {
  const [, name, rest = ''] = /^([^\s:]+): (.+)$/s.exec(words) ?? [];
  const said = known(rest);
  return said && `${name}: ${said}`;
}

let forms: [RegExp, string][] | null = null;

function known(words: string): string | null {
  forms ??= Object.entries(catalogue.told).map(([said, ours]) => [formOf(said), ours]);
  for (const [form, ours] of forms) {
    const found = form.exec(words);
    if (found)
      return ours.replace(/\{(\d)\}/g, (_, at: string) => toldWords(found[Number(at) + 1] ?? ''));
  }
  return null;
}

/** What a text matches whose {} are whatever stands there. */
function formOf(said: string): RegExp {
  const parts = said.split('{}').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('(.+?)')}$`, 's');
}
