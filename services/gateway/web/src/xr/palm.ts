const OPENS = 0.72;
const CLOSES = 0.45;

/** Whether a menu on a palm is to be seen: it opens when the palm faces the eyes, and stays a little longer. */
export const palmShows = (amount: number, shown: boolean): boolean =>
  amount > (shown ? CLOSES : OPENS);
