/** Who draws splats: this device, or the server for those that draw slowly. */
export type Choice = 'auto' | 'server' | 'device';

const KEY = 'immichvr.draws';

/** What was chosen here; without a choice, the device as long as it keeps up. */
export class WhoDraws {
  choice: Choice;
  /** Whether the server draws for whoever looks here; false until it is known. */
  isOffered = false;
  private tooSlow = false;
  private refused = false;

  /** mayLower: whether the device's own speed decides anything; not where somebody has set a budget. */
  constructor(
    private readonly mayLower: boolean,
    private readonly kept: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> = localStorage,
  ) {
    const before = kept.getItem(KEY);
    this.choice = before === 'server' || before === 'device' ? before : 'auto';
  }

  /** hasWebGl: null while nobody has looked. */
  isServer(hasWebGl: boolean | null): boolean {
    if (!this.isOffered || this.refused) return false;
    if (hasWebGl === false || this.choice === 'server') return true;
    return this.choice === 'auto' && this.tooSlow;
  }

  choose(choice: Choice): void {
    this.choice = choice;
    this.tooSlow = this.refused = false;
    if (choice === 'auto') this.kept.removeItem(KEY);
    else this.kept.setItem(KEY, choice);
  }

  /** This device does not keep up. True where the server is to draw from now on. */
  isSlow(): boolean {
    if (!this.mayLower || this.choice !== 'auto') return false;
    this.tooSlow = true;
    return this.isServer(null);
  }

  /** The server does not draw: this device does, until somebody chooses anew, or `askAgain`. */
  refuse(): void {
    this.refused = true;
  }

  /** Another photo, or another try: the server may have room by now. */
  askAgain(): void {
    this.refused = false;
  }
}
