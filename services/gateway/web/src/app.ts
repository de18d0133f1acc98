import { Api, ApiError } from './api/client';
import { Gallery } from './gallery/gallery';
import { Live } from './live';
import type { ModelsPage } from './models/page';
import { PhotoView } from './photo/view';
import { MODELS, type Route, Router } from './router';
import { Store } from './store';
import { el } from './ui/dom';
import { explainError } from './ui/errors';
import { HelpDialog } from './ui/help';
import { LoginDialog } from './ui/login';
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
    ask: () => this.login.show(this.store.config?.library ?? 'immich'),
  });
  private readonly gallery: Gallery;
  private readonly photo: PhotoView;
  private readonly router: Router;
  private models: ModelsPage | null = null;

  constructor(private readonly root: HTMLElement) {
    const help = () => this.help.toggle();
    this.gallery = new Gallery(this.api, this.store, { help, signOut: () => void this.signOut() });
    this.photo = new PhotoView(this.api, this.store, {
      help,
      leave: () => this.router.toGallery(),
      show: (id) => this.router.replacePhoto(id),
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

  private follow(route: Route): void {
    document.body.dataset.view = route.view;
    this.gallery.element.inert = route.view !== 'gallery';
    this.models?.close();
    if (route.view === 'models') {
      this.photo.close();
      void this.showModels();
      return;
    }
    if (route.view === 'photo') {
      void this.photo.open(route.id);
      return;
    }
    const shown = this.photo.close();
    if (shown) this.gallery.focusPhoto(shown);
  }

  private async showModels(): Promise<void> {
    if (!this.models) {
      const { ModelsPage } = await import('./models/page');
      this.models = new ModelsPage(this.api, this.store, () => this.router.leaveModels());
      this.root.append(this.models.element);
    }
    if (this.router.current().view === 'models') await this.models.open();
  }

  /** Lets go of what belongs to whoever was here; only the sign-in stays on the page. */
  private clear(): void {
    this.api.forget();
    this.live.stop();
    this.photo.close();
    this.models?.close();
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
