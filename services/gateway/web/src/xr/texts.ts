import { texts as all } from '../texts';

/** What is said in VR. */
export const texts = all.vr;
