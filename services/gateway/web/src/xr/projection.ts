/** How a film or a photo lies around the viewer, and where each eye's picture is in it. */
export interface Projection {
  shape: 'flat' | '180' | '360';
  layout: 'mono' | 'sbs' | 'tb';
  /** Whether the eyes change sides. */
  crossed: boolean;
  /** Whether each eye's picture is squeezed to half, so that both have the size of one. */
  half: boolean;
}

/** One flat picture for both eyes. */
export const PLAIN: Projection = { shape: 'flat', layout: 'mono', crossed: false, half: false };

export const isPlain = ({ shape, layout }: Projection): boolean =>
  shape === 'flat' && layout === 'mono';

export interface Told {
  kind: 'photo' | 'video';
  name: string;
  width: number | null;
  height: number | null;
  /** As the library has it: `equirectangular` and others. */
  projection: string | null;
}

/** As players name files: SKYBOX, DeoVR, Pigasus, Oculus, nunif. A name is words between these. */
const SEPARATORS = /[\s._\-()[\]]+/;
const SBS = new Set(['sbs', 'fsbs', 'hsbs', 'lr', 'rl', 'lrf', 'rlf', '3dh', '3dhf', 'sidebyside']);
const TB = new Set([
  'tb',
  'ou',
  'bt',
  'tbf',
  'fulltb',
  'htb',
  'hou',
  '3dv',
  '3dvf',
  'overunder',
  'topbottom',
]);
const HALF = new Set(['hsbs', 'htb', 'hou', 'half', '3dh', '3dv', 'lr', 'rl', 'tb', 'ou']);
const WHOLE = new Set(['lrf', 'rlf', 'full', 'fsbs', 'tbf', 'fulltb', '3dhf', '3dvf']);
const CROSSED = new Set(['rl', 'rlf', 'bt', 'cross', 'crosseyed']);
const SPHERE = new Set(['360vr', 'equirectangular']);
const HEMISPHERE = new Set(['vr180', '180x180', '180vr']);
/** Width by height of one picture of that shape, and of two of them beside or on top of one another. */
const SPHERE_ASPECTS = [2, 4, 1];
const HEMISPHERE_ASPECTS = [1, 2, 0.5];
/** Words of languages, names of cameras and of programs too: of these only capitals count, as players have them. */
const SHORT = 2;

/**
 * What a source most likely is, from what the library says of it, its name and its size. What a photo shows only the
 * library tells: people and cameras name photos with the same numbers and letters.
 */
export function guessProjection({ kind, name, width, height, projection }: Told): Projection {
  const isVideo = kind === 'video';
  const aspect = width && height ? width / height : 0;
  const fits = (aspects: number[]) => aspects.some((one) => Math.abs(aspect / one - 1) < 0.06);
  const parts = new Set(isVideo ? wordsOf(name) : []);
  const has = (set: Set<string>) => [...parts].some((part) => set.has(part));
  const told = (projection ?? '').toLowerCase();
  const crossed = has(CROSSED);
  const layout = has(SBS) && aspect > 1 ? 'sbs' : has(TB) && aspect < 2.5 ? 'tb' : 'mono';
  const around = /equirect|spher/.test(told);
  const isHemisphere =
    (parts.has('180') && fits(HEMISPHERE_ASPECTS)) ||
    has(HEMISPHERE) ||
    /180|half_equirect|fisheye/.test(told);
  if (isHemisphere) {
    // Two hemispheres beside one another, as VR180 is made, also where no name says so.
    const beside = layout === 'mono' && aspect > 1.8;
    return { shape: '180', layout: beside ? 'sbs' : layout, crossed, half: false };
  }
  if ((parts.has('360') && fits(SPHERE_ASPECTS)) || has(SPHERE) || around) {
    // A sphere is twice as wide as high: two of them on top of one another are square.
    const stacked = layout === 'mono' && aspect > 0.9 && aspect < 1.1;
    return { shape: '360', layout: stacked ? 'tb' : layout, crossed, half: false };
  }
  if (layout === 'mono') return PLAIN;
  return { shape: 'flat', layout, crossed, half: isHalf(has, layout, aspect) };
}

const wordsOf = (name: string): string[] =>
  name
    .replace(/\.\w{2,4}$/, '')
    .split(SEPARATORS)
    .filter((word) => word.length > SHORT || word === word.toUpperCase())
    .map((word) => word.toLowerCase());

function isHalf(has: (set: Set<string>) => boolean, layout: 'sbs' | 'tb', aspect: number): boolean {
  if (has(WHOLE)) return false;
  // Two whole pictures are twice as wide, or twice as high, as pictures are.
  if (layout === 'sbs' && aspect > 2.4) return false;
  if (layout === 'tb' && aspect > 0 && aspect < 1.2) return false;
  return has(HALF) || aspect > 0;
}

const SHAPES = ['flat', '180', '360'] as const;
const LAYOUTS = ['mono', 'sbs', 'tb'] as const;

export const nextShape = (shape: Projection['shape']): Projection['shape'] =>
  SHAPES[(SHAPES.indexOf(shape) + 1) % SHAPES.length] ?? 'flat';

export const nextLayout = (layout: Projection['layout']): Projection['layout'] =>
  LAYOUTS[(LAYOUTS.indexOf(layout) + 1) % LAYOUTS.length] ?? 'mono';

/** As somebody says that it lies, who was not asked whether each eye's picture is squeezed. */
export function laidOut(
  projection: Projection,
  layout: Projection['layout'],
  width: number,
  height: number,
): Projection {
  if (layout === 'mono') return { ...projection, layout, crossed: false, half: false };
  const half = projection.shape === 'flat' && isHalf(() => false, layout, width / height);
  return { ...projection, layout, half };
}

/** The part of a picture that an eye sees, as offset and size from the bottom left, 0 to 1. */
export type Part = [x: number, y: number, width: number, height: number];

export function partsOf({ layout, crossed }: Projection): { left: Part; right: Part } {
  const whole: Part = [0, 0, 1, 1];
  if (layout === 'mono') return { left: whole, right: whole };
  const [first, second]: [Part, Part] =
    layout === 'sbs'
      ? [
          [0, 0, 0.5, 1],
          [0.5, 0, 0.5, 1],
        ]
      : [
          [0, 0.5, 1, 0.5],
          [0, 0, 1, 0.5],
        ];
  return crossed ? { left: second, right: first } : { left: first, right: second };
}

/** Width by height of what one eye sees, unsqueezed. */
export function aspectOf(projection: Projection, width: number, height: number): number {
  const { layout, half } = projection;
  const whole = width / Math.max(height, 1);
  if (layout === 'mono' || half) return whole;
  return layout === 'sbs' ? whole / 2 : whole * 2;
}
