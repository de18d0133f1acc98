import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { GallerySettings, MySettings } from '../api/schema';
import { Emitter } from '../emitter';
import { type Look, lookOf, type SplatQuality, USUAL } from './look';

interface SettingsEvents {
  change: Look;
}

/** What a person has set for themselves, over what the server says. */
export class Settings extends Emitter<SettingsEvents> {
  mine: MySettings | null = null;
  look: Look = USUAL;
  private server: GallerySettings | null = null;
  private asked = 0;
  private answered = 0;

  constructor(private readonly api: Api) {
    super();
  }

  /** With which model, and how fine, this person has splats made. */
  get making(): { model: string; quality: SplatQuality } {
    const { mine, look } = this;
    return { model: mine?.splat_model ?? 'auto', quality: look.gaussianSplat.defaultQuality };
  }

  /** Reads what this person has set; without an answer, and for visitors of a link, the server's settings count. */
  async load(server: GallerySettings | undefined, hasAccount: boolean): Promise<void> {
    this.server = server ?? null;
    this.take(null);
    if (!hasAccount) return;
    try {
      this.take(await this.api.mySettings());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Sets some; null is as the server has it. Raises ApiError. */
  async change(changes: Partial<MySettings>): Promise<void> {
    const asked = this.asked + 1;
    this.asked = asked;
    const mine = await this.api.changeSettings(changes);
    // An answer that was overtaken by a later one tells what was.
    if (asked < this.answered) return;
    this.answered = asked;
    this.take(mine);
  }

  private take(mine: MySettings | null): void {
    this.mine = mine;
    this.look = lookOf(mine, this.server);
    this.emit('change', this.look);
  }
}
