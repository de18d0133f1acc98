/** Line icons on a 24 px grid, drawn with the current colour. */
const PATHS = {
  back: 'M19 12H5m6-6-6 6 6 6',
  previous: 'm14.5 5-7 7 7 7',
  next: 'm9.5 5 7 7-7 7',
  info: 'M12 11v5.5M12 7.6v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  download: 'M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 19.5h14',
  more: 'M12 5.6v.1m0 6.25v.1m0 6.25v.1',
  fullscreen: 'M4.5 9V4.5H9m6 0h4.5V9m0 6v4.5H15m-6 0H4.5V15',
  help: 'M9.4 9.3a2.7 2.7 0 1 1 3.9 2.4c-.9.5-1.3 1-1.3 2v.3m0 3v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  close: 'm6 6 12 12M18 6 6 18',
  live: 'M4 7.5h10.5v9H4v-9Zm10.5 3.3 5.5-3v8.4l-5.5-3',
  models: 'm12 3-8 4.5v9l8 4.5 8-4.5v-9L12 3ZM4 7.5l8 4.5 8-4.5M12 12v9',
  layers: 'm12 4 8.5 4.5L12 13 3.5 8.5 12 4Zm-8.5 8.5L12 17l8.5-4.5M3.5 16.5 12 21l8.5-4.5',
  account: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8c.8-4 3.7-6 7.5-6s6.7 2 7.5 6',
  reset: 'M4.5 12a7.5 7.5 0 1 0 2.6-5.7M4.5 4v4.5H9',
  motion: 'M3 12c2.2-5 4.3-5 6.5 0s4.3 5 6.5 0c1.1-2.5 2.1-3.75 3.2-3.75',
  tilt: 'M8.5 3.5h7v17h-7v-17ZM5 7.5C3.5 10 3.5 14 5 16.5M19 7.5c1.5 2.5 1.5 6.5 0 9',
  mic: 'M12 14.5a3 3 0 0 0 3-3v-5a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3Zm-6-3a6 6 0 0 0 12 0M12 17.5v3.5',
  tag: 'M4 4.5h7.5l8.5 8.5-7 7L4.5 11.5 4 4.5Zm4.3 4.2v.1',
  signOut: 'M14.5 8V4.5h-10v15h10V16M9.5 12h11m-3.5-3.5 3.5 3.5-3.5 3.5',
  open: 'M14 4.5h5.5V10m0-5.5-8 8M17.5 14v5.5h-13v-13H10',
  byItself: 'M12 3v4m0 10v4M3 12h4m10 0h4M12 9.2l.9 1.9 1.9.9-1.9.9-.9 1.9-.9-1.9-1.9-.9 1.9-.9Z',
  film: 'M4 5h16v14H4V5Zm4 0v14m8-14v14M4 9.7h4m8 0h4M4 14.3h4m8 0h4',
  play: 'M8 5.5v13l10.5-6.5L8 5.5Z',
  pause: 'M9 5.5v13M15.5 5.5v13',
  back10: 'M11 7 6 12l5 5m7-10-5 5 5 5',
  ahead10: 'm13 7 5 5-5 5M6 7l5 5-5 5',
  frameBack: 'M16 6 9 12l7 6V6ZM6.5 6v12',
  frameAhead: 'm8 6 7 6-7 6V6Zm9.5 0v12',
  sound: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5H4Zm11.5-1.3a5 5 0 0 1 0 7.6m2.4-10a8.5 8.5 0 0 1 0 12.4',
  silence: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5H4Zm11.5 0 5 5m0-5-5 5',
  settings:
    'M4 7.5h8m4 0h4M4 16.5h4m4 0h8M14 9.7a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4Zm-4 9a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4Z',
  photos: 'M4 5h16v14H4V5Zm0 11.5 5-5 4 4 2.5-2.5 4.5 4M15.5 9.6v.1',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm4.7-1.8L20 20',
  album: 'M4 8h16v11.5H4V8Zm2-3h12M4 15l4.5-3.5 4 3 3-2 4.5 3.5',
  heart: 'M12 19.5 5 12.6a4.4 4.4 0 0 1 6.2-6.2l.8.8.8-.8a4.4 4.4 0 0 1 6.2 6.2L12 19.5Z',
  people:
    'M9 11.5a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6Zm-6 7.6c.6-3.3 3-5 6-5s5.4 1.7 6 5M15.5 5.3a3.1 3.1 0 0 1 0 5.9m2 3.3c1.9.6 3.1 2.2 3.5 4.6',
  pin: 'M12 20.5s6.5-5.6 6.5-10.7a6.5 6.5 0 0 0-13 0C5.5 14.9 12 20.5 12 20.5Zm0-8.3a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8Z',
  memory: 'M12 8v4.3l3 1.7M4.7 8.5A8 8 0 1 1 4 12M4.2 4.5v4h4',
  jobs: 'M4.5 6.5h.1m3.4 0h11.5M4.5 12h.1M8 12h11.5m-15 5.5h.1m3.4 0h11.5',
  menu: 'M4 7h16M4 12h16M4 17h16',
  cube: 'm12 3.5-7.5 4.2v8.6l7.5 4.2 7.5-4.2V7.7L12 3.5ZM4.5 7.7l7.5 4.2 7.5-4.2M12 11.9v8.6',
  link: 'M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7L12 6.3m2 3.7a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1.1-1.1',
  headset: 'M4 8.5h16v8h-4.6l-1.6-2.2a2.2 2.2 0 0 0-3.6 0L8.6 16.5H4v-8Zm4.2 3.4v.1m7.6-.1v.1',
  redo: 'M19.5 12a7.5 7.5 0 1 1-2.6-5.7M19.5 4v4.5H15',
  fill: 'M4 5h16v14H4V5Zm8 3.5v7M8.5 12h7',
  compare: 'M4 5h16v14H4V5Zm8 0v14M6.8 12h2.4m5.6 0h2.4',
} as const;

export type IconName = keyof typeof PATHS;

const SVG = 'http://www.w3.org/2000/svg';

/** The lines of an icon, for what draws it itself. */
export const iconPath = (name: IconName): string => PATHS[name];

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}
