import type { Config, Model, Quality } from '../api/schema';
import { MODELS } from '../router';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { modelWords } from '../ui/words';
import { AskDialog, choice, choices } from './ask';

const t = texts.making;

const STATES: Partial<Record<Model['state'], string>> = {
  downloadable: t.downloadedFirst,
  downloading: t.beingDownloaded,
};

export type OnMake = (model: string, quality: Quality) => void;

/** Asks with which model, and how fine, a splat is to be made. */
export class MakeDialog {
  private readonly dialog = new AskDialog('make');

  show(config: Config, onMake: OnMake): void {
    const fields = [
      modelChoices(config.splat_models, config.models, () => this.dialog.close()),
      choices(t.quality, 'quality', [
        choice('quality', 'full', t.full, t.fullNote, true),
        choice('quality', 'light', t.light, t.lightNote, false),
      ]),
    ];
    this.dialog.show(t.title, fields, (chosen) =>
      onMake(String(chosen.get('model')), chosen.get('quality') === 'light' ? 'light' : 'full'),
    );
  }
}

/**
 * A choice among those of these models that can be had here and now. The others have to be accepted or downloaded
 * first, which the page of models is for.
 */
export function modelChoices(keys: string[], models: Model[], onLeave: () => void): HTMLElement {
  const known = new Map(models.map((model) => [model.key, model]));
  const usable = keys.filter((key) => known.get(modelOf(key))?.usable);
  const more = el('a', { class: 'more-models', href: MODELS }, t.moreModels);
  more.addEventListener('click', onLeave);
  return choices(t.model, 'model', [
    choice('model', 'auto', t.automatic, t.automaticNote, true),
    ...usable.map((key) => {
      const model = known.get(modelOf(key));
      return choice('model', key, modelWords(key, models), model ? about(model) : '', false);
    }),
    more,
  ]);
}

/** The model behind a splat: `lift-K` is lifted from the depth of K. */
const modelOf = (key: string): string => key.replace(/^lift-/, '');

function about(model: Model): string {
  const licence = model.commercial_use ? model.licence : t.notCommercial(model.licence);
  return [licence, STATES[model.state]].filter(Boolean).join(' · ');
}
