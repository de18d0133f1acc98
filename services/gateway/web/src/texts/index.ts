import { en, type Texts } from './en';

/** What the viewer says. */
export const texts: Texts = en;
