import type { VrTexts } from './english';

const plural = new Intl.PluralRules('de');

const counted = (n: number, one: string, other: string): string =>
  `${n.toLocaleString('de')} ${plural.select(n) === 'one' ? one : other}`;

/** What VR says, in German. */
export const de: VrTexts = {
  shelves: {
    photos: 'Fotos',
    albums: 'Alben',
    people: 'Personen',
    memories: 'An diesem Tag',
    favourites: 'Favoriten',
    videos: 'Videos',
    search: 'Suche',
    rows: (n) => counted(n, 'Reihe', 'Reihen'),
    seated: 'Im Sitzen',
    leftHanded: 'Linkshändig',
    recentre: 'Ausrichten',
    exit: 'VR verlassen',
    back: 'Zurück',
    loading: 'Wird geladen…',
    none: 'Hier ist nichts',
    unnamed: 'Ohne Namen',
    items: (n) => counted(n, 'Eintrag', 'Einträge'),
    failed: 'Das ließ sich nicht lesen. Wähle es noch einmal.',
  },
  voice: {
    title: 'Suche mit der Stimme',
    begin: 'Sprechen',
    stop: 'Beenden',
    type: 'Tippen',
    listening: 'Ich höre zu…',
    absent: 'Dieser Browser kann nicht zuhören. Suche auf der Seite, bevor du VR betrittst.',
    refused: 'Das Mikrofon ist hier nicht erlaubt.',
    nothing: 'Es war nichts zu hören. Versuche es noch einmal.',
    found: (words) => `„${words}“`,
  },
  photo: {
    flat: 'Flach',
    deep: '3D',
    quality: { auto: 'Güte: von selbst', light: 'Güte: leicht', full: 'Güte: voll' },
    scale: (scale) => `Maßstab ${scale.toLocaleString('de')} ×`,
    recentre: 'Ausrichten',
    make: '3D machen',
    back: 'Zur Wand',
    exit: 'VR verlassen',
    loading: '3D wird geladen…',
    rough: 'Die Tiefe ist geschätzt: als Leinwand gezeigt.',
    slow: '3D ist zu viel für dieses Headset: flach gezeigt.',
    broken: 'Das lässt sich nicht zeigen.',
    notMade: '3D konnte nicht gemacht werden.',
  },
  video: {
    back10: '−10 s',
    ahead10: '+10 s',
    screens: { flat: 'Flache Leinwand', curved: 'Gebogen', depth: 'Mit Tiefe' },
    shapes: { flat: 'Auf Leinwand', '180': '180°', '360': '360°' },
    layouts: { mono: 'Ein Bild', sbs: 'Nebeneinander', tb: 'Übereinander' },
    swap: 'Augen tauschen',
    broken: 'Dieses Video lässt sich hier nicht abspielen.',
  },
};
