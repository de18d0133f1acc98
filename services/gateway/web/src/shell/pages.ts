import type { Api } from '../api/client';
import { isPage, type PageView, type Route } from '../router';
import type { Settings } from '../settings/settings';
import type { Store } from '../store';

interface Page {
  element: HTMLElement;
  open(route: Route): unknown;
  close(): void;
}

interface Around {
  at(): Route;
  leave(): void;
  signedOut(): void;
  /** Another button of the way into VR. */
  vrButton(): HTMLElement;
}

type Name = Exclude<PageView, 'scene'>;
const nameOf = (view: PageView): Name => (view === 'scene' ? 'scenes' : view);

/** Pages that stand alone over whatever was looked at, each read when it is first asked for. */
export class Pages {
  private readonly made = new Map<Name, Page>();
  /** How each is made, once what makes it is here. */
  private readonly makers: Record<Name, () => Promise<() => Page>>;

  constructor(
    private readonly root: HTMLElement,
    private readonly around: Around,
    api: Api,
    store: Store,
    settings: Settings,
  ) {
    const leave = () => around.leave();
    this.makers = {
      models: async () => {
        const { ModelsPage } = await import('../models/page');
        return () => new ModelsPage(api, store, leave);
      },
      account: async () => {
        const { AccountPage } = await import('../account/page');
        return () => new AccountPage(api, store, { leave, signedOut: () => around.signedOut() });
      },
      automation: async () => {
        const { AutomationPage } = await import('../automation/page');
        return () => new AutomationPage(api, leave);
      },
      settings: async () => {
        const { SettingsPage } = await import('../settings/page');
        return () => new SettingsPage(settings, leave);
      },
      scenes: async () => {
        const { ScenePages } = await import('../scenes/page');
        return () => {
          const scenes = new ScenePages(api, store, leave);
          scenes.offer(around.vrButton());
          return {
            element: scenes.element,
            open: (route) => (route.view === 'scene' ? scenes.open(route.id) : scenes.list()),
            close: () => scenes.close(),
          };
        };
      },
    };
  }

  /** Opens one, unless one is elsewhere by the time that it is here. */
  async show(view: PageView): Promise<void> {
    const name = nameOf(view);
    const page = this.made.get(name) ?? (await this.make(name));
    const route = this.around.at();
    if (isPage(route) && nameOf(route.view) === name) await page.open(route);
  }

  close(): void {
    for (const page of this.made.values()) page.close();
  }

  private async make(name: Name): Promise<Page> {
    const make = await this.makers[name]();
    const known = this.made.get(name);
    if (known) return known;
    const page = make();
    this.made.set(name, page);
    this.root.append(page.element);
    return page;
  }
}
