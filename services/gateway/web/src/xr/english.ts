/** What VR says, in English. */
const plural = new Intl.PluralRules('en');

const counted = (n: number, one: string, other: string): string =>
  `${n.toLocaleString('en')} ${plural.select(n) === 'one' ? one : other}`;

export const en = {
  shelves: {
    photos: 'Photos',
    albums: 'Albums',
    people: 'People',
    memories: 'On this day',
    favourites: 'Favourites',
    videos: 'Videos',
    search: 'Search',
    rows: (n: number) => counted(n, 'row', 'rows'),
    seated: 'Seated',
    leftHanded: 'Left-handed',
    recentre: 'Recentre',
    exit: 'Leave VR',
    back: 'Back',
    loading: 'Loading…',
    none: 'Nothing here',
    unnamed: 'Unnamed',
    items: (n: number) => counted(n, 'item', 'items'),
    failed: 'This could not be read. Choose it again.',
  },
  voice: {
    title: 'Search by voice',
    begin: 'Speak',
    stop: 'Stop',
    type: 'Type',
    listening: 'Listening…',
    absent: 'This browser cannot listen. Search on the page before entering VR.',
    refused: 'The microphone is not allowed here.',
    nothing: 'Nothing was heard. Try again.',
    found: (words: string) => `“${words}”`,
  },
  photo: {
    flat: 'Flat',
    deep: '3D',
    quality: { auto: 'Quality: auto', light: 'Quality: light', full: 'Quality: full' },
    scale: (scale: number) => `Scale ${scale} ×`,
    recentre: 'Recentre',
    make: 'Make 3D',
    back: 'To the wall',
    exit: 'Leave VR',
    loading: 'Loading 3D…',
    rough: 'Its depth is a guess: shown as a screen.',
    slow: '3D is too much for this headset: shown flat.',
    broken: 'This cannot be shown.',
    notMade: '3D could not be made.',
  },
  video: {
    back10: '−10 s',
    ahead10: '+10 s',
    screens: { flat: 'Flat screen', curved: 'Curved screen', depth: 'Depth window' },
    shapes: { flat: 'On a screen', '180': '180°', '360': '360°' },
    layouts: { mono: 'One picture', sbs: 'Side by side', tb: 'Top, bottom' },
    swap: 'Swap eyes',
    broken: 'This video cannot be played here.',
  },
};

export type VrTexts = typeof en;
