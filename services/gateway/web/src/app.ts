import type { AccountPage } from './account/page';
import { Api, ApiError } from './api/client';
import type { AutomationPage } from './automation/page';
import { Gallery } from './gallery/gallery';
import { Live } from './live';
import type { ModelsPage } from './models/page';
import { PhotoView } from './photo/view';
import { MODELS, photoHash, type Route, Router } from './router';
import { enterShare, isSharePage } from './sharing';
import { Store } from './store';
import { el } from './ui/dom';
import { explainError } from './ui/errors';
import { HelpDialog } from './ui/help';
import { LoginDialog } from './ui/login';
import type { VideoPages } from './video/page';
import { Visit } from './visit';

/** Puts the parts together and keeps them in step with address, session and connection. */
class App {
  private readonly api = new Api(new URL('.', document.baseURI));
  private readonly store = new Store(this.api);
  private readonly live = new Live(this.api, this.store, () => this.visit.ended());
  private readonly help = new HelpDialog();
  private readonly login = new LoginDialog(this.api, () => {
    if (this.visit.begun()) void this.enter();
  });
  private readonly visit = new Visit({
    clear: () => this.clear(),
    ask: () => {
      const { config } = this.store;
      this.login.show(config?.library ?? 'immich', config?.sign_in);
    },
  });
  private readonly gallery: Gallery;
  private readonly photo: PhotoView;
  private readonly router: Router;
  private models: ModelsPage | null = null;
  private account: AccountPage | null = null;
  private automation: AutomationPage | null = null;
  private videos: VideoPages | null = null;

  constructor(private readonly root: HTMLElement) {
    const help = () => this.help.toggle();
    this.gallery = new Gallery(this.api, this.store, { help, signOut: () => void this.signOut() });
    this.photo = new PhotoView(this.api, this.store, {
      help,
      leave: () => this.router.toList(),
      show: (id) => this.router.replace(photoHash(id)),
      models: () => {
        location.hash = MODELS;
      },
    });
    this.router = new Router((route) => this.follow(route));
    this.api.onUnauthorized = () => this.visit.ended();
    this.store.on('connection', (connected) => {
      document.body.dataset.socket = connected ? 'connected' : 'disconnected';
    });
    document.body.dataset.socket = 'disconnected';
    document.addEventListener('keydown', (event) => this.onKey(event));
    root.append(this.gallery.element, this.photo.element);
  }

  async enter(): Promise<void> {
    if (isSharePage()) {
      await this.enterShare();
      return;
    }
    try {
      this.store.config = await this.api.config();
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
    document.body.dataset.shared = 'true';
    this.store.config = await this.api.config();
    if (!document.body.dataset.view) this.router.start();
    await this.gallery.load();
    const [only, another] = this.store.order;
    if (only && !another && this.router.current().view === 'gallery')
      this.router.replace(photoHash(only));
  }

  private follow(route: Route): void {
    document.body.dataset.view = route.view;
    this.gallery.element.inert = route.view !== 'gallery' && route.view !== 'videos';
    this.models?.close();
    this.account?.close();
    this.automation?.close();
    if (route.view !== 'video' && route.view !== 'videos') this.videos?.close();
    const shown = route.view === 'photo' ? null : this.photo.close();
    if (route.view === 'gallery' || route.view === 'photo') this.gallery.showInstead(null);
    if (route.view === 'photo') void this.photo.open(route.id);
    else if (route.view === 'videos' || route.view === 'video') void this.showVideos();
    else if (route.view !== 'gallery' && !this.store.share) void this.showPage(route.view);
    else if (shown) this.gallery.focusPhoto(shown);
  }

  private async showVideos(): Promise<void> {
    if (!this.videos) {
      const { VideoPages } = await import('./video/page');
      this.videos ??= new VideoPages(this.api, this.store, this.gallery.element, {
        help: () => this.help.toggle(),
        leave: () => this.router.toList(),
        show: (hash) => this.router.replace(hash),
      });
      if (!this.videos.view.isConnected) this.root.append(this.videos.view);
    }
    const route = this.router.current();
    if (route.view !== 'videos' && route.view !== 'video') return;
    this.gallery.showInstead(this.videos.wall);
    if (route.view === 'video') await this.videos.open(route.id);
    else await this.videos.list();
  }

  private async showPage(view: 'models' | 'account' | 'automation'): Promise<void> {
    if (view === 'models') await this.showModels();
    else if (view === 'account') await this.showAccount();
    else await this.showAutomation();
  }

  private async showModels(): Promise<void> {
    if (!this.models) {
      const { ModelsPage } = await import('./models/page');
      this.models = new ModelsPage(this.api, this.store, () => this.router.leavePage());
      this.root.append(this.models.element);
    }
    if (this.router.current().view === 'models') await this.models.open();
  }

  private async showAccount(): Promise<void> {
    if (!this.account) {
      const { AccountPage } = await import('./account/page');
      this.account = new AccountPage(this.api, {
        leave: () => this.router.leavePage(),
        signedOut: () => this.visit.ended(),
      });
      this.root.append(this.account.element);
    }
    if (this.router.current().view === 'account') await this.account.open();
  }

  private async showAutomation(): Promise<void> {
    if (!this.automation) {
      const { AutomationPage } = await import('./automation/page');
      this.automation = new AutomationPage(this.api, () => this.router.leavePage());
      this.root.append(this.automation.element);
    }
    if (this.router.current().view === 'automation') await this.automation.open();
  }

  /** Lets go of what belongs to whoever was here; only the sign-in stays on the page. */
  private clear(): void {
    this.api.forget();
    this.live.stop();
    this.photo.close();
    this.models?.close();
    this.account?.close();
    this.automation?.close();
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
    const retry = el('button', { class: 'button', type: 'button' }, 'Try again');
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
    this.help.toggle();
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, select, textarea');
}

export function startApp(root: HTMLElement): void {
  void new App(root).enter();
}
