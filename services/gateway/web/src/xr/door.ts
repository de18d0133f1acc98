import type { Api } from '../api/client';
import type { Quality } from '../api/schema';
import type { Timeline } from '../gallery/timeline';
import { hasWebGl } from '../render/device';
import { photoHash, type Route, sceneHash, videoHash } from '../router';
import type { Look } from '../settings/look';
import type { Store } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import './door.css';
import type { Kind } from './room';
import { reasonAgainst } from './support';

const words = texts.vr.door;

const WANTED: XRSessionInit = {
  requiredFeatures: ['local-floor'],
  optionalFeatures: ['hand-tracking', 'layers'],
};

const HASHES: Record<Kind, (id: string) => string> = {
  photo: photoHash,
  video: videoHash,
  scene: sceneHash,
};

interface DoorActions {
  at(): Route;
  look(): Pick<Look, 'rowWidth' | 'thumbnailSize'>;
  /** With which model, and how fine, this person has 3D made. */
  making(): { model: string; quality: Quality };
  /** VR begins: what the page holds of the device is given back. */
  rest(): void;
  /** VR is over: shows again what the page shows, or what was looked at last in VR, by its hash. */
  wake(hash: string | null): void;
}

/** The way into VR, on every page from which one goes there; where this browser has none, it says why. */
export class VrDoor {
  private readonly buttons: HTMLButtonElement[] = [];
  private reason: string | null = '';
  private note: HTMLElement | null = null;
  private inside = false;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly timeline: Timeline,
    private readonly actions: DoorActions,
  ) {
    void this.look();
    navigator.xr?.addEventListener('devicechange', () => void this.look());
    // What was said of one page is not said of the next.
    window.addEventListener('hashchange', () => this.note?.remove());
  }

  /** A button for one place of the page. */
  button(): HTMLButtonElement {
    const button = el('button', { class: 'icon-button vr-door', type: 'button' }, icon('headset'));
    button.addEventListener('click', () => void this.enter());
    this.buttons.push(button);
    this.tell();
    return button;
  }

  private async look(): Promise<void> {
    const { xr } = navigator;
    this.reason = await reasonAgainst({
      secure: isSecureContext,
      xr,
      webgl: xr ? hasWebGl() : true,
    });
    this.tell();
  }

  private tell(): void {
    for (const button of this.buttons) {
      button.title = this.reason ? words.why : words.enter;
      button.setAttribute('aria-label', button.title);
      button.dataset.vr = this.reason === null ? 'ready' : 'none';
    }
  }

  private async enter(): Promise<void> {
    if (this.reason !== null || !navigator.xr) {
      this.say(this.reason || words.noXr);
      return;
    }
    if (this.inside) return;
    this.inside = true;
    this.note?.remove();
    // Asked for at once, while the press that allows it counts; the code comes meanwhile.
    const asked = navigator.xr.requestSession('immersive-vr', WANTED);
    let rests = false;
    try {
      const [session, { House }] = await Promise.all([asked, import('./house')]);
      rests = true;
      this.actions.rest();
      const house = new House({
        api: this.api,
        store: this.store,
        timeline: this.timeline,
        at: this.actions.at(),
        look: this.actions.look(),
        making: this.actions.making(),
        left: (what, lost) => this.left(what, lost),
      });
      // For tests, which have no eyes.
      Object.assign(window, { immichvrHouse: house });
      await house.enter(session);
    } catch (error) {
      const session = await asked.catch(() => null);
      // Whoever listens to its end gives back what was made.
      await session?.end().catch(() => {});
      if (rests && this.inside) this.actions.wake(null);
      this.inside = false;
      this.say(session ? words.broken : words.refused);
      if (session) throw error;
    }
  }

  private left(what: { kind: Kind; id: string } | null, lost: boolean): void {
    this.inside = false;
    Object.assign(window, { immichvrHouse: null });
    this.actions.wake(what && HASHES[what.kind](what.id));
    if (lost) this.say(words.lost);
  }

  private say(sentence: string): void {
    this.note?.remove();
    const close = el('button', { class: 'button is-small', type: 'button' }, words.close);
    const note = el('div', { class: 'vr-note', role: 'status' }, el('p', {}, sentence), close);
    close.addEventListener('click', () => note.remove());
    this.note = note;
    document.body.append(note);
    announce(sentence);
  }
}
