import { textHeight } from './angles';

/** A panel on a wrist is looked at from here, in metres. */
export const WRIST_DISTANCE = 0.5;
export const WRIST_TEXT = textHeight(WRIST_DISTANCE, 1.25);
export const WRIST_WIDTH = 0.25;
