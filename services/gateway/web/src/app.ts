import { Api, ApiError } from './api/client';
import { Gallery } from './gallery/gallery';
import type { Shown } from './gallery/tile';
import { ItemList } from './grid/items';
import type { Anchor } from './grid/sheet';
import { accept, takeInvitation } from './invitation';
import { Live } from './live';
import { PhotoView } from './photo/view';
import type { JobsDrawer } from './places/drawer';
import type { Places } from './places/page';
import { isPage, MODELS, type PlaceRoute, photoHash, type Route, Router } from './router';
import { applyLook } from './settings/apply';
import { Settings } from './settings/settings';
import { enterShare, isSharePage } from './sharing';
import { Looked } from './shell/looked';
import { Navigation } from './shell/navigation';
import { Pages } from './shell/pages';
import { titleOf } from './shell/titles';
import { Store } from './store';
import { texts } from './texts';
import { el } from './ui/dom';
import { explainError } from './ui/errors';
import type { HelpDialog } from './ui/help';
import { LoginDialog } from './ui/login';
import type { VideoPages } from './video/page';
import { Visit } from './visit';
import { VrDoor } from './xr/door';

/** Puts the parts together and keeps them in step with address, session and connection. */
class App {
  private readonly api = new Api(new URL('.', document.baseURI));
  private readonly store = new Store(this.api);
  private readonly settings = new Settings(this.api);
  private readonly live = new Live(this.api, this.store, () => this.visit.ended());
  private help: Promise<HelpDialog> | null = null;
  private readonly login = new LoginDialog(this.api, () => {
    if (this.visit.begun()) void this.enter();
  });
  // Before the visit, which clears the page when it is hidden.
  private readonly looked = new Looked(() => this.inView());
  private readonly visit = new Visit({
    clear: () => this.clear(),
    forget: () => this.looked.forget(),
    ask: () => {
      const { config } = this.store;
      this.login.show(config?.library ?? 'immich', config?.sign_in);
    },
  });
  private readonly navigation = new Navigation();
  private readonly gallery: Gallery;
  private readonly photo: PhotoView;
  private readonly router: Router;
  private readonly vr: VrDoor;
  private readonly pages: Pages;
  private videos: VideoPages | null = null;
  private places: Places | null = null;
  private drawer: Promise<JobsDrawer> | null = null;
  /** The list that was shown last, also below a photo or a video. */
  private listed = '';

  constructor(private readonly root: HTMLElement) {
    const help = () => void this.toggleHelp();
    this.gallery = new Gallery(this.api, this.store, this.settings, {
      help,
      jobs: () => void this.toggleJobs(),
      make: (items) => void this.makeAll(items),
      signOut: () => void this.signOut(),
    });
    this.photo = new PhotoView(this.api, this.store, this.settings, {
      help,
      leave: () => this.router.toList(),
      show: (id) => this.router.replace(photoHash(id)),
      models: () => {
        location.hash = MODELS;
      },
    });
    this.settings.on('change', applyLook);
    this.router = new Router((route) => this.follow(route));
    this.api.onUnauthorized = () => this.visit.ended();
    this.store.on('connection', (connected) => {
      document.body.dataset.socket = connected ? 'connected' : 'disconnected';
    });
    document.body.dataset.socket = 'disconnected';
    document.addEventListener('keydown', (event) => this.onKey(event));
    this.store.on('job', () => this.navigation.tellWork(this.store.activeJobs().length));
    this.vr = new VrDoor(this.api, this.store, this.gallery.timeline, {
      at: () => this.router.current(),
      look: () => this.settings.look,
      making: () => this.settings.making,
      rest: () => this.rest(),
      wake: (hash) => this.wake(hash),
    });
    this.pages = new Pages(
      root,
      {
        at: () => this.router.current(),
        leave: () => this.router.leavePage(),
        signedOut: () => this.visit.ended(),
        vrButton: () => this.vr.button(),
      },
      this.api,
      this.store,
      this.settings,
    );
    this.gallery.offer(this.vr.button());
    this.photo.offer(this.vr.button());
    const { side, bar } = this.navigation;
    root.append(side, this.gallery.element, bar, this.photo.element);
  }

  async enter(): Promise<void> {
    if (isSharePage()) {
      await this.enterShare();
      return;
    }
    const invitation = takeInvitation();
    try {
      this.store.config = await this.api.config();
      if (invitation && !this.store.config.authenticated) {
        const { askWhetherToSignIn } = await import('./ui/invited');
        if (await accept(this.api, invitation, askWhetherToSignIn))
          this.store.config = await this.api.config();
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.showOutage(error);
      return;
    }
    if (!this.store.config.authenticated) {
      this.visit.ended();
      return;
    }
    this.visit.hold();
    void this.settings.load(this.store.config.gallery, true);
    this.navigation.suit(this.store.config.library);
    this.live.start();
    if (!document.body.dataset.view) this.router.start();
    else this.follow(this.router.current());
    await this.gallery.load();
  }

  /** A share link's page: photos and their 3D, without a person, without news. */
  private async enterShare(): Promise<void> {
    this.api.onUnauthorized = () => {};
    const share = await enterShare(this.api, this.root);
    if (!share) return;
    this.store.share = share;
    this.store.selection.isAllowed = false;
    document.body.dataset.shared = 'true';
    this.store.config = await this.api.config();
    void this.settings.load(this.store.config.gallery, false);
    if (!document.body.dataset.view) this.router.start();
    await this.gallery.load();
    const [only, another] = this.store.photos.keys();
    if (only && !another && this.router.current().view === 'gallery')
      this.router.replace(photoHash(only));
  }

  /** Closes what holds the graphics device, while that draws something else. */
  private rest(): void {
    const { view } = this.router.current();
    if (view === 'photo') this.photo.close();
    if (view === 'scene') this.pages.close();
  }

  private wake(hash: string | null): void {
    const route = this.router.current();
    if (hash !== null) this.router.replace(hash);
    else if (route.view === 'photo' || route.view === 'scene') this.follow(route);
  }

  private follow(route: Route): void {
    const { view } = route;
    const list = this.router.list();
    const before = this.listed;
    this.listed = JSON.stringify(list);
    if (before && before !== this.listed) this.looked.keep(before);
    if (before !== this.listed || list.view !== view) this.store.selection.clear();
    document.body.dataset.view = view;
    document.title = titleOf(list);
    this.navigation.mark(list);
    const overList = view === 'photo' || view === 'video' || isPage(route);
    this.gallery.element.inert = overList;
    if (view !== 'memories') this.places?.leave();
    this.pages.close();
    if (view !== 'video' && view !== 'videos') this.videos?.close();
    const shown = view === 'photo' ? null : this.photo.close();
    if (isPage(route)) {
      if (!this.store.share) void this.pages.show(route.view);
      return;
    }
    this.showList(list, shown, this.listed !== before);
    if (view === 'photo') void this.photo.open(route.id);
  }

  /** Shows the list that one is at, or that lies below the photo or video; gives the focus back to what was open. */
  private showList(list: Route, left: string | null, anew: boolean): void {
    const { view } = list;
    if (view === 'videos' || this.router.current().view === 'video') void this.showVideos();
    else if (isPlace(list) && !this.store.share) void this.showPlace(list, left, anew);
    else {
      if (!this.store.share) this.store.trail = this.gallery.timeline;
      this.gallery.showInstead(null);
      this.looked.restore(this.listed, this.gallery);
      if (left) this.gallery.focusPhoto(left);
    }
  }

  private async showPlace(route: PlaceRoute, left: string | null, anew: boolean): Promise<void> {
    if (!this.places) {
      const { Places } = await import('./places/page');
      const go = (hash: string) => {
        location.hash = hash;
      };
      this.places ??= new Places(this.api, this.store, this.settings, this.gallery.element, go);
    }
    const isHere = () => JSON.stringify(this.router.list()) === JSON.stringify(route);
    if (!isHere()) return;
    const { element, list, fill } = this.places.show(route, anew);
    this.store.trail = list;
    this.gallery.showInstead(element);
    if (left) list?.focus(left);
    await fill();
    if (isHere() && list && !left) this.looked.restore(JSON.stringify(route), list);
    // After a reload the photo is there before the list that it lies in.
    if (isHere() && this.router.current().view === 'photo') await this.photo.lookAround();
    const title = element.querySelector('h1')?.textContent;
    if (title && isHere() && this.router.current().view === route.view)
      document.title = titleOf(route, title);
  }

  private async showVideos(): Promise<void> {
    if (!this.videos) {
      const { VideoPages } = await import('./video/page');
      this.videos ??= new VideoPages(this.api, this.store, this.gallery.element, {
        help: () => void this.toggleHelp(),
        leave: () => this.router.toList(),
        show: (hash) => this.router.replace(hash),
      });
      if (!this.videos.view.isConnected) this.root.append(this.videos.view);
    }
    const route = this.router.current();
    if (route.view !== 'videos' && route.view !== 'video') return;
    if (this.router.list().view === 'videos') this.gallery.showInstead(this.videos.wall);
    if (route.view === 'video') await this.videos.open(route.id);
    else await this.videos.list();
  }

  /** What of the list that is shown is looked at. */
  private inView(): [list: string, anchor: Anchor | null] {
    const { trail } = this.store;
    return [this.listed, trail instanceof ItemList ? trail.anchor() : this.gallery.anchor()];
  }

  private async openJobs(): Promise<JobsDrawer> {
    this.drawer ??= import('./places/drawer').then(
      ({ JobsDrawer }) =>
        new JobsDrawer(this.api, this.store, this.settings, this.root, (isOpen) =>
          this.gallery.tellDrawer(isOpen),
        ),
    );
    const drawer = await this.drawer;
    void drawer.open();
    return drawer;
  }

  private async toggleHelp(): Promise<void> {
    this.help ??= import('./ui/help').then(({ HelpDialog }) => new HelpDialog());
    (await this.help).toggle();
  }

  private async toggleJobs(): Promise<void> {
    const drawer = await this.drawer;
    if (drawer?.isOpen) drawer.close();
    else await this.openJobs();
  }

  private async makeAll(items: Shown[]): Promise<void> {
    const drawer = await this.openJobs();
    await drawer.makeAll(items);
  }

  /** Lets go of what belongs to whoever was here; only the sign-in stays on the page. */
  private clear(): void {
    this.looked.stop();
    this.api.forget();
    this.live.stop();
    this.photo.close();
    this.pages.close();
    this.videos?.close();
    this.store.reset();
    for (const part of [...document.body.children]) {
      if (part !== this.login.element) part.remove();
    }
    for (const name of Object.keys(document.body.dataset)) delete document.body.dataset[name];
  }

  private async signOut(): Promise<void> {
    try {
      await this.api.signOut();
    } catch (error) {
      // Whoever is told that they are out must be.
      if (!(error instanceof ApiError)) throw error;
      this.showOutage(error, () => void this.signOut());
      return;
    }
    this.visit.ended();
  }

  private showOutage(error: ApiError, again = () => void this.enter()): void {
    const { title, advice } = explainError(error);
    const retry = el('button', { class: 'button', type: 'button' }, texts.again);
    const notice = el(
      'div',
      { class: 'outage', role: 'alert' },
      el('h2', {}, title),
      el('p', {}, advice),
      retry,
    );
    retry.addEventListener('click', () => {
      notice.remove();
      again();
    });
    this.root.append(notice);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key !== '?' && event.key.toLowerCase() !== 'h') return;
    event.preventDefault();
    void this.toggleHelp();
  }
}

function isPlace(route: Route): route is PlaceRoute {
  return !['gallery', 'videos', 'photo', 'video'].includes(route.view) && !isPage(route);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, select, textarea');
}

export function startApp(root: HTMLElement): void {
  void new App(root).enter();
}
