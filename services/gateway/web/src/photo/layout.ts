import { texts } from '../texts';
import { el } from '../ui/dom';
import { iconButton } from './chrome';
import { toggleFullscreen } from './fullscreen';

/** What a person does with the buttons that every photo has. */
interface Deeds {
  leave(): void;
  info(): void;
  help(): void;
}

/** What stands in the bar over a photo, and at its foot. */
interface Parts {
  title: HTMLElement;
  date: HTMLElement;
  /** Beside its name: what is done with it. */
  deeds: HTMLElement[];
  more: HTMLElement;
  /** Over the controls: what is told of it. */
  told: HTMLElement[];
  controls: HTMLElement[];
}

/** The bar over a photo, and what stands at its foot. */
export function photoChrome(deeds: Deeds, parts: Parts): { bar: HTMLElement; foot: HTMLElement } {
  const back = iconButton('back', texts.photo.back, texts.keys.escape, () => deeds.leave());
  const info = iconButton('info', texts.photo.about, 'I', () => deeds.info());
  const full = iconButton('fullscreen', texts.photo.fullScreen, 'F', () => void toggleFullscreen());
  const help = iconButton('help', texts.photo.help, 'H', () => deeds.help());
  for (const button of [full, help]) button.classList.add('is-extra');
  const bar = el(
    'header',
    { class: 'photo-bar' },
    back,
    el('div', { class: 'photo-name' }, parts.title, parts.date),
    ...parts.deeds,
    info,
    full,
    help,
    parts.more,
  );
  const foot = el(
    'footer',
    { class: 'photo-foot' },
    ...parts.told,
    el('div', { class: 'photo-controls' }, ...parts.controls),
  );
  return { bar, foot };
}
