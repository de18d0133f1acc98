import type { Asset, Model, PhotoDetail } from '../api/schema';
import { assetTitle } from '../catalog';
import { catalogue, texts } from '../texts';
import { decimals, locale } from '../texts/language';
import { el } from '../ui/dom';
import { bytesWords, dateWords, dayWords, modelWords, secondsWords } from '../ui/words';

const t = texts.info;

/** A photo, the models that there are, what of it is shown, and what has another of its results shown. */
export interface Known {
  photo: PhotoDetail;
  models: Model[];
  shown: (asset: Asset) => boolean;
  show: (asset: Asset) => void;
}

/** What is known of a photo, and of each thing that was made of it. */
export function factsOf(known: Known): HTMLElement[] {
  const { photo } = known;
  const size = photo.width && photo.height ? `${photo.width} × ${photo.height}` : '';
  const facts: [string, string][] = [
    [t.file, photo.name],
    [photo.dated_by_file ? t.fileDated : t.taken, dayWords(photo.taken_at)],
    [t.size, size],
    [t.camera, photo.shot?.camera ?? ''],
    [t.lens, photo.shot?.lens ?? ''],
    [t.exposure, exposureWords(photo.shot)],
    [t.place, placeWords(photo.place)],
  ];
  const made = photo.assets.map((asset) => sectionOf(asset, known));
  const none = photo.assets.length === 0 ? [el('p', { class: 'info-none' }, t.nothing)] : [];
  return [list(facts), ...made, ...none];
}

function sectionOf(asset: Asset, { photo, models, shown, show }: Known): HTMLElement {
  const total = Object.values(asset.timings).reduce((sum, seconds) => sum + seconds, 0);
  const { depth } = asset;
  const metres = depth?.metric && t.fromTo(metresWords(depth.near), metresWords(depth.far));
  const facts: [string, string][] = [
    [t.madeBy, modelWords(asset.model_key, models)],
    [t.why, catalogue.told(asset.reason)],
    [t.scale, asset.metric ? t.trueScale : t.relativeScale],
    [t.distance, metres || ''],
    [t.took, total > 0 ? secondsWords(total) : ''],
    [t.madeOn, dateWords(asset.created_at)],
    [t.files, asset.files.map((file) => `${file.name} (${bytesWords(file.size)})`).join('\n')],
    [t.losses, asset.losses.map(catalogue.told).join('\n')],
  ];
  const section = el(
    'section',
    { class: 'info-asset' },
    el('h3', {}, assetTitle(asset.kind)),
    asset.outdated && el('p', { class: 'info-outdated' }, t.outdated),
    list(facts),
  );
  if (photo.assets.filter((other) => other.kind === asset.kind).length > 1 && !shown(asset)) {
    const button = el('button', { class: 'button is-small', type: 'button' }, t.showThis);
    button.addEventListener('click', () => show(asset));
    section.append(button);
  }
  return section;
}

/** As photographers say it: ƒ/1.8 · 1/250 s · ISO 100 · 24 mm. */
export function exposureWords(shot: PhotoDetail['shot']): string {
  if (!shot) return '';
  const { f_number, exposure, iso, focal_length_mm } = shot;
  const parts = [
    f_number && `ƒ/${f_number.toLocaleString(locale())}`,
    exposure && `${exposure} s`,
    iso && `ISO ${iso}`,
    focal_length_mm && `${Math.round(focal_length_mm)} mm`,
  ];
  return parts.filter(Boolean).join(' · ');
}

function placeWords(place: PhotoDetail['place']): string {
  return [place?.city, place?.state, place?.country].filter(Boolean).join(', ');
}

function list(facts: [string, string][]): HTMLElement {
  const rows = facts
    .filter(([, value]) => value !== '')
    .map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)));
  return el('dl', { class: 'facts' }, ...rows);
}

function metresWords(metres: number): string {
  return `${decimals(metres, metres < 10 ? 1 : 0)} m`;
}
