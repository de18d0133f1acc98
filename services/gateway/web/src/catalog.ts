import { assets, formats, kinds } from './api/catalog.json';
import { catalogue } from './texts';

/**
 * What the catalogue says, which this page was built with. A newer server may know more: what is not in it has its own
 * name for a title.
 */
interface Kind {
  title: string;
  makes: string[];
  extends: string;
}

const KINDS: Record<string, Kind> = kinds;
const FORMATS: Record<string, { use: string }> = formats;
const ASSETS: Record<string, { title: string }> = assets;

/** What a kind of asset is called: 3D, Depth. */
export const assetTitle = (kind: string): string =>
  catalogue.assets[kind] ?? ASSETS[kind]?.title ?? kind;

/** What a format of splats is good for; nothing where nobody here knows. */
export const formatUse = (format: string): string =>
  catalogue.uses[format] ?? FORMATS[format]?.use ?? '';

/** What is being done by a job of this kind: Making 3D, Converting. */
export const jobTitle = (kind: string): string =>
  catalogue.kinds[kind] ?? KINDS[kind]?.title ?? kind;

/** The kind of asset that a job of this kind makes; null where it makes none, or nobody here knows. */
export const madeBy = (kind: string): string | null => KINDS[kind]?.makes[0] ?? null;

/** Whether a job of this kind adds files to what there is, as conversions do. */
export const addsFiles = (kind: string): boolean => Boolean(KINDS[kind]?.extends);
