import { Api, ApiError } from '../api/client';
import type { Config } from '../api/schema';
import { followGestures } from '../photo/gestures';
import { Popup } from '../photo/popup';
import { budgetOf, hasWebGl } from '../render/device';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import { icon } from '../ui/icons';
import { LoginDialog } from '../ui/login';
import { Visit } from '../visit';
import { FrameSource } from './camera';
import type { LiveCloud } from './cloud';
import { Gauges } from './gauges';
import { inspect } from './planes';
import type { Result, Trouble } from './protocol';
import { Settings } from './settings';
import { LiveStream, type State } from './stream';
import { adviceFor, stateWords } from './words';

const t = texts.live;

const FRAME_QUALITY = 0.8;
const LOOK_STEP = 0.12;
const DOLLY_STEP = 0.06;
/** While the panel is closed, a look at every so many results is enough. */
const LOOK_EVERY = 20;

/** The page `live.html`: a camera or a video in, splats out. */
class LivePage {
  private readonly api = new Api(new URL('.', document.baseURI));
  private readonly search = new URLSearchParams(location.search);
  private readonly source = new FrameSource();
  private readonly gauges = new Gauges();
  private readonly settings: Settings;
  private readonly stream: LiveStream;
  private readonly login = new LoginDialog(this.api, () => {
    if (this.visit.begun()) void this.enter();
  });
  private readonly visit = new Visit({
    clear: () => this.clear(),
    ask: () => this.login.show(this.config?.library ?? 'immich', this.config?.sign_in),
  });
  private readonly stage = el('div', { class: 'live-stage', tabindex: -1 });
  private readonly canvas = el('canvas', {
    class: 'live-canvas',
    role: 'img',
    'aria-label': t.canvas,
  });
  private readonly status = el('p', { class: 'live-status', role: 'status' });
  private readonly intro = el(
    'div',
    { class: 'live-intro' },
    icon('live'),
    el('p', {}, t.states.closed),
  );
  private readonly notice = el('p', { class: 'live-notice', role: 'alert', hidden: true });
  private readonly camera = button(t.camera, true);
  private readonly file = el('input', { type: 'file', accept: 'video/*', class: 'sr-only' });
  private readonly stopper = button(t.stop);
  private readonly capturer = button(t.capture);
  private config: Config | null = null;
  private cloud: LiveCloud | null = null;
  private showing = false;
  private held = false;
  private wantsSplats = false;
  private running = false;
  private pumping = false;
  private isAsleep = false;

  constructor(private readonly root: HTMLElement) {
    this.settings = new Settings(budgetOf(location.search), this.search, () => this.restart());
    this.stream = new LiveStream(() => new WebSocket(this.address()), {
      state: (state) => this.tellState(state),
      ready: (ready) => this.gauges.began(ready),
      result: (result, bytes) => void this.take(result, bytes),
      trouble: (trouble) => this.tellTrouble(trouble),
    });
    root.append(this.build());
    followGestures(this.stage, {
      looksAround: () => true,
      orbit: (dx, dy) => this.cloud?.orbitBy(dx, dy),
      dolly: (amount) => this.cloud?.dollyBy(amount),
      twice: () => this.cloud?.reset(),
      swipe: () => {},
      tap: () => {},
    });
    this.listen();
    document.body.dataset.view = 'live';
    this.tellState('closed');
  }

  async enter(): Promise<void> {
    this.api.onUnauthorized = () => this.visit.ended();
    try {
      const config = await this.api.config();
      this.config = config;
      if (!config.authenticated) {
        this.visit.ended();
        return;
      }
      this.visit.hold();
      this.settings.offer(config, this.search.get('model'));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { title, advice } = explainError(error);
      this.tell(`${title} ${advice}`);
    }
  }

  /** Lets go of the camera and of what it saw. */
  private clear(): void {
    this.api.forget();
    this.stop();
    this.root.replaceChildren();
  }

  private build(): HTMLElement {
    const back = el(
      'a',
      { class: 'icon-button', href: './', 'aria-label': t.back, title: t.gallery },
      icon('back'),
    );
    const popup = new Popup('more', t.settings, t.settings, () => {});
    popup.panel.append(this.settings.element);
    const debug = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': t.figures, title: 'D' },
      icon('info'),
    );
    debug.addEventListener('click', () => this.toggleDebug());
    const obstacle = FrameSource.obstacle();
    this.camera.disabled = obstacle !== '' || !hasWebGl();
    const opener = el('label', { class: 'button' }, t.openVideo, this.file);
    this.stage.append(this.canvas, this.intro);
    return el(
      'main',
      { class: 'live' },
      this.stage,
      el(
        'header',
        { class: 'photo-bar' },
        back,
        el(
          'div',
          { class: 'photo-name' },
          el('h1', { class: 'photo-title' }, t.title),
          this.status,
        ),
        debug,
        popup.element,
      ),
      this.source.video,
      this.gauges.panel,
      el(
        'footer',
        { class: 'live-foot' },
        this.notice,
        obstacle !== '' && el('p', { class: 'live-hint' }, obstacle),
        !hasWebGl() && el('p', { class: 'live-hint' }, t.noWebGl),
        this.gauges.line,
        el('div', { class: 'live-actions' }, this.camera, opener, this.capturer, this.stopper),
      ),
    );
  }

  private listen(): void {
    this.camera.addEventListener('click', () => void this.begin(() => this.source.useCamera()));
    this.file.addEventListener('change', () => {
      const file = this.file.files?.[0];
      if (file) void this.begin(() => this.source.useFile(file));
      this.file.value = '';
    });
    this.stopper.addEventListener('click', () => this.stop());
    this.capturer.addEventListener('click', () => void this.capture());
    document.addEventListener('keydown', (event) => this.onKey(event));
    document.addEventListener('visibilitychange', () => document.hidden || this.pump());
  }

  private address(): string {
    return this.api.url('/api/stream').replace(/^http/, 'ws');
  }

  private async begin(open: () => Promise<void>): Promise<void> {
    this.tell('');
    try {
      await open();
    } catch (error) {
      // What a browser raises when the camera is refused, taken, or a file is no video.
      const words = error instanceof Error ? error.message : String(error);
      this.tell(words.replace(/\.*$/, '.'));
      return;
    }
    if (!this.cloud) {
      const { LiveCloud } = await import('./cloud');
      this.cloud = new LiveCloud(this.canvas, () => this.gauges.frame(performance.now()));
      this.cloud.showAxes(!this.gauges.panel.hidden);
    }
    this.running = true;
    this.held = false;
    this.isAsleep = false;
    this.stream.start(this.settings.wishes);
    this.pump();
  }

  private restart(): void {
    if (!this.running) return;
    this.held = false;
    this.isAsleep = false;
    this.tell('');
    this.stream.start(this.settings.wishes);
  }

  private stop(): void {
    this.running = false;
    this.stream.stop();
    this.source.stop();
  }

  /** Sends a frame whenever the video has a new one and the server is free for it. */
  private pump(): void {
    if (!this.running || this.pumping) return;
    this.pumping = true;
    this.source.onNextFrame(() => {
      this.pumping = false;
      if (!this.running || document.hidden) return;
      if (this.isAsleep && this.source.isRunning) this.restart();
      if (!this.stream.isFree || !this.source.isRunning) {
        this.pump();
        return;
      }
      void this.sendFrame().finally(() => this.pump());
    });
  }

  private async sendFrame(): Promise<void> {
    const jpeg = await this.source.grab(this.settings.wishes.process_res, FRAME_QUALITY);
    if (!jpeg) return;
    this.stream.send({ jpeg }, this.wantsSplats ? 'gaussians' : undefined);
    this.wantsSplats = false;
  }

  private async take(result: Result, bytes: number): Promise<void> {
    if (result.type === 'capture') {
      this.save(result);
      return;
    }
    const now = performance.now();
    this.gauges.received(result, bytes, now);
    const onDemand = result.type !== this.settings.wishes.output;
    if (onDemand) this.hold(true);
    // A splat that was asked for stays; and what cannot be drawn in time is not drawn late.
    else if (this.held || this.showing) return;
    this.showing = true;
    try {
      const means = (await this.cloud?.show(result, this.source.aspect || 4 / 3)) ?? null;
      const looks = !this.gauges.panel.hidden || result.seq % LOOK_EVERY === 1;
      if (means && looks) this.gauges.looked(inspect(means));
    } finally {
      this.showing = false;
    }
  }

  private async capture(): Promise<void> {
    if (this.stream.state !== 'live') return;
    const jpeg = await this.source.grabBest();
    if (!jpeg) return;
    this.stream.capture({ jpeg });
    this.tell(t.capturing);
  }

  private save(result: Result): void {
    const url = URL.createObjectURL(new Blob([result.data], { type: 'application/x-spz' }));
    const stamp = new Date().toISOString().replace(/[:.]/g, '-').slice(0, 19);
    const link = el('a', { href: url, download: `capture-${stamp}.spz` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    document.body.dataset.captured = String(result.n);
    this.tell(t.captured(link.download, result.n));
  }

  private toggleDebug(): void {
    this.gauges.panel.hidden = !this.gauges.panel.hidden;
    this.cloud?.showAxes(!this.gauges.panel.hidden);
  }

  /** Asks for one splat among the points, or goes back to them. */
  private splatOnDemand(): void {
    if (this.settings.wishes.output !== 'points') return;
    if (this.held) this.hold(false);
    else this.wantsSplats = true;
  }

  private hold(on: boolean): void {
    this.held = on;
    this.tell(on ? t.oneMoment : '');
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (target.matches?.('input, select, textarea')) return;
    const looks: Record<string, [number, number]> = {
      ArrowLeft: [-LOOK_STEP, 0],
      ArrowRight: [LOOK_STEP, 0],
      ArrowUp: [0, -LOOK_STEP],
      ArrowDown: [0, LOOK_STEP],
    };
    const look = target.closest?.('.popup, .live-debug') ? undefined : looks[event.key];
    if (look) this.cloud?.orbitBy(...look);
    else if (event.key === '+' || event.key === '=') this.cloud?.dollyBy(DOLLY_STEP);
    else if (event.key === '-') this.cloud?.dollyBy(-DOLLY_STEP);
    else if (event.key === 'r') this.cloud?.reset();
    else if (event.key === 'c') void this.capture();
    else if (event.key === 'd') this.toggleDebug();
    else if (event.key === 'p') this.splatOnDemand();
    else return;
    event.preventDefault();
  }

  private tellState(state: State): void {
    document.body.dataset.live = state;
    this.status.textContent = state === 'closed' ? '' : stateWords(state);
    this.intro.hidden = state !== 'closed';
    this.stopper.hidden = state === 'closed';
    this.capturer.hidden = state !== 'live';
  }

  private tellTrouble(trouble: Trouble): void {
    // A paused video or a hidden page: the session begins anew with the next frame.
    this.isAsleep = trouble.code === 'idle';
    if (this.isAsleep) return;
    if (trouble.code === 'unauthorized') {
      this.visit.ended();
      return;
    }
    document.body.dataset.trouble = trouble.code;
    this.tell(adviceFor(trouble));
  }

  private tell(words: string): void {
    this.notice.hidden = words === '';
    this.notice.textContent = words;
  }
}

function button(label: string, primary = false): HTMLButtonElement {
  const look = primary ? 'button is-primary' : 'button';
  return el('button', { class: look, type: 'button' }, label);
}

export function startLive(root: HTMLElement): void {
  void new LivePage(root).enter();
}
