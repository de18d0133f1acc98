import '../models/models.css';
import '../account/account.css';
import './settings.css';
import { Section } from '../account/section';
import type { GallerySettings, MySettings } from '../api/schema';
import { texts } from '../texts';
import { chosenLanguage, keepLanguage, LANGUAGES, type Language } from '../texts/language';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import { type Field, number, select, several, swatch, toggle } from './fields';
import type { Settings } from './settings';

const t = texts.settings;
const FORMATS = ['spz', 'splat', 'ksplat'];

/** How the viewer looks and behaves, for the person who is here. Each change is kept at once. */
export class SettingsPage {
  readonly element: HTMLElement;
  private readonly title = el('h1', { tabindex: -1 }, t.title);
  private readonly section: Section;
  private readonly fields: Field[];

  constructor(
    private readonly settings: Settings,
    leave: () => void,
  ) {
    const back = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': texts.back },
      icon('back'),
    );
    back.addEventListener('click', leave);
    const ofGallery = [
      number('thumbnailSize', t.thumbnailSize, [0.5, 3, 0.1], (value) =>
        this.gallery({ thumbnailSize: value }),
      ),
      number(
        'rowWidth',
        t.rowWidth,
        [1, 24, 1],
        (value) => this.gallery({ rowWidth: value }),
        t.rowWidthNote,
      ),
    ];
    const ofPhoto = [
      swatch('backgroundColor', t.backgroundColor, (value) =>
        this.gallery({ backgroundColor: value }),
      ),
      number('animationDuration', t.animationDuration, [0, 5, 0.1], (value) =>
        this.gallery({ animationDuration: value }),
      ),
      number('adjacentPhotosCount', t.adjacentPhotosCount, [0, 10, 1], (value) =>
        this.gallery({ adjacentPhotosCount: value }),
      ),
      number(
        'parallaxIntensity',
        t.parallaxIntensity,
        [0, 1, 0.05],
        (value) => this.gallery({ parallaxIntensity: value }),
        t.parallaxNote,
      ),
      toggle('idleMotion', t.idleMotion, (value) => this.keep({ idle_motion: value })),
    ];
    const ofSplats = [
      toggle('enabled', t.enabled, (value) => this.splats({ enabled: value })),
      select('defaultQuality', t.defaultQuality, Object.entries(t.qualities), (value) =>
        this.splats({ defaultQuality: value as 'light' | 'medium' | 'full' }),
      ),
      several('formats', t.formats, FORMATS, (value) =>
        this.splats({ formats: value as ('spz' | 'splat' | 'ksplat')[] }),
      ),
    ];
    this.fields = [...ofGallery, ...ofPhoto, ...ofSplats];
    const reset = el('button', { class: 'button', type: 'button' }, t.reset);
    reset.addEventListener('click', () => void this.keep({ gallery: null, idle_motion: null }));
    this.section = new Section(
      '',
      t.about,
      group(t.gallery, ofGallery),
      group(t.photo, ofPhoto),
      group(t.splats, ofSplats),
      group(t.language, [languages()]),
      el('div', {}, reset),
    );
    this.element = el(
      'div',
      { class: 'account settings-page', hidden: true },
      el('header', { class: 'models-head' }, back, this.title),
      el('main', { class: 'account-main' }, this.section.element),
    );
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') leave();
    });
    settings.on('change', () => this.show());
  }

  open(): void {
    this.element.hidden = false;
    this.title.focus();
    this.section.tell('');
    this.show();
  }

  close(): void {
    this.element.hidden = true;
  }

  private show(): void {
    const { look, mine } = this.settings;
    const values = { ...look, ...look.gaussianSplat, idleMotion: mine?.idle_motion ?? true };
    for (const field of this.fields) field.show(values[field.name as keyof typeof values]);
  }

  private gallery(gallery: GallerySettings): Promise<void> {
    return this.keep({ gallery });
  }

  private splats(gaussianSplat: NonNullable<GallerySettings['gaussianSplat']>): Promise<void> {
    return this.gallery({ gaussianSplat });
  }

  private async keep(changes: Partial<MySettings>): Promise<void> {
    const kept = await this.section.attempt(() => this.settings.change(changes));
    if (kept) this.section.tell(t.kept);
    else this.show();
  }
}

function group(title: string, fields: Field[]): HTMLElement {
  return el(
    'fieldset',
    { class: 'settings-group' },
    el('legend', {}, title),
    ...fields.map(({ element }) => element),
  );
}

/** The language belongs to a browser, not to an account: it is known before anybody signs in. */
function languages(): Field {
  const names = LANGUAGES.map((one): [string, string] => [
    one,
    new Intl.DisplayNames([one], { type: 'language' }).of(one) ?? one,
  ]);
  const field = select('language', t.language, names, async (value) => {
    keepLanguage(value as Language);
    location.reload();
  });
  field.show(chosenLanguage());
  return field;
}
