import type { ModelDetails, ModelNews } from '../api/schema';
import { texts } from '../texts';
import { wordsFor } from '../ui/error-words';
import { bytesWords, downloadWords } from '../ui/words';

/** Something that may be done with a model, and what its button says. */
export interface Offer {
  deed: ModelDetails['possible'][number];
  label: string;
}

/** Models in the order in which one wants to know of them. */
export const GROUPS = ['here', 'recommended', 'best', 'others'] as const;
export type Group = (typeof GROUPS)[number];

const RECOMMENDED = new Set(['da2-small', 'vda-small']);
const BEST = new Set(['sharp']);

/** Where a model stands when the page is opened; it stays there while one looks. */
export function groupOf({ key, state, built_in }: ModelDetails): Group {
  if (RECOMMENDED.has(key)) return 'recommended';
  if (BEST.has(key)) return 'best';
  return built_in || state === 'ready' || state === 'loaded' || state === 'loading'
    ? 'here'
    : 'others';
}

const t = texts.models;

/** What a model makes and how large it is. */
export function aboutWords(model: ModelDetails): string {
  const makes = model.makes.map((one) => t.makes[one] ?? one).join(', ');
  const size = model.built_in ? t.builtIn : model.size === null ? '' : bytesWords(model.size);
  const words = [makes, model.metric && t.inMetres, size].filter(Boolean).join(' · ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** How a model stands now. */
export function stateWords(model: ModelDetails): string {
  if (model.state === 'downloading') return downloadWords(model);
  if (model.job?.state === 'queued') return t.waiting;
  const by = model.accepted ? ` · ${t.acceptedBy(model.accepted.name)}` : '';
  return t.states[model.state] + by;
}

/** Why the last download failed, and what can be done about it. */
export function troubleWords(model: ModelDetails): string {
  if (model.state !== 'failed' || !model.error) return '';
  const { sentence, remedy } = wordsFor(model.error.code, model.error.message);
  return `${sentence} ${remedy}`;
}

/** The buttons of a model. */
export function deedsOf(model: ModelDetails): Offer[] {
  return model.possible.map((deed) => ({
    deed,
    label: deed === 'download' && model.state === 'failed' ? texts.again : t.deeds[deed],
  }));
}

/** A model with what was told live; more than its progress has changed where `stale`. */
export function withNews(
  model: ModelDetails,
  news: ModelNews,
): { model: ModelDetails; stale: boolean } {
  return { model: { ...model, ...news }, stale: news.state !== model.state };
}
