export type Route = { view: 'gallery' } | { view: 'photo'; id: string } | { view: 'models' };

const PHOTO = /^#\/photo\/([a-z0-9-]+)$/i;

/** The route that a location hash means; what is not understood is the gallery. */
export function parseHash(hash: string): Route {
  const photo = PHOTO.exec(hash);
  if (hash === MODELS) return { view: 'models' };
  return photo?.[1] ? { view: 'photo', id: photo[1] } : { view: 'gallery' };
}

export const MODELS = '#/models';
export const photoHash = (id: string): string => `#/photo/${id}`;

/** Follows the location hash. Photos opened from the gallery can be left with the back button. */
export class Router {
  private cameFromGallery = false;
  private cameToModels = false;

  constructor(private readonly onRoute: (route: Route) => void) {}

  start(): void {
    window.addEventListener('hashchange', (event) => {
      const from = parseHash(new URL(event.oldURL).hash);
      const to = this.current();
      if (to.view === 'photo' && from.view === 'gallery') this.cameFromGallery = true;
      if (to.view === 'gallery') this.cameFromGallery = false;
      this.cameToModels = to.view === 'models';
      this.onRoute(to);
    });
    this.onRoute(this.current());
  }

  current(): Route {
    return parseHash(location.hash);
  }

  /** Shows another photo in place, so that "back" still leads to the gallery. */
  replacePhoto(id: string): void {
    history.replaceState(null, '', photoHash(id));
    this.onRoute(this.current());
  }

  /** Goes back to where the models were opened from. */
  leaveModels(): void {
    if (this.cameToModels) history.back();
    else location.hash = '#/';
  }

  toGallery(): void {
    if (this.cameFromGallery) history.back();
    else location.hash = '#/';
  }
}
