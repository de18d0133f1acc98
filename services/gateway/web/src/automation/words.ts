import type { Integration, Rule, RuleWanted } from '../api/schema';
import { texts } from '../texts';
import { momentWords } from '../ui/words';

/** Of which photos something can be made by itself, as far as it is chosen here. Other rules are kept as they are. */
export const CHOICES: Rule['of'][] = ['all', 'favourites', 'tag'];

const t = texts.automation;

const TAG = 'Make 3D';
/** So many kinds of pictures a rule skips unless it says otherwise. */
const SKIPPED = 4;

/** How it stands, in a line; why it does not go on, in the server's words. */
export function stateWords({ state, detail }: Integration): string {
  return state === 'on' || state === 'off' ? t.stands[state] : `${t.states[state]}: ${detail}`;
}

/** What else there is to know, the newest of Immich's calls first. */
export function noteWords(integration: Integration): string[] {
  if (integration.state === 'off') return integration.notes;
  const call = integration.last_call;
  const heard = call === null ? t.notCalled : t.called(momentWords(call));
  return [heard, ...integration.notes];
}

/** How many photos move in Immich itself, by clips that can be taken off again. */
export const movingWords = (clips: number): string => t.moving(clips);

/** What is chosen where rules are of the kind that can be chosen here; null where they say more. */
export function chosenBy(rules: Rule[]): { of: Rule['of']; light: boolean } | null {
  const [rule] = rules;
  if (rules.length !== 1 || !rule || !CHOICES.includes(rule.of)) return null;
  const isPlain =
    rule.kind === 'splat' &&
    rule.media === 'photo' &&
    rule.model === 'auto' &&
    rule.skip.length === SKIPPED &&
    !(rule.only_with_depth || rule.existing || rule.remake_edited) &&
    (rule.of !== 'tag' || rule.tag === TAG);
  return isPlain ? { of: rule.of, light: rule.quality === 'light' } : null;
}

export function ruleOf(of: Rule['of'], light: boolean): RuleWanted {
  return { of, quality: light ? 'light' : 'full' };
}
