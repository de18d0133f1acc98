import { texts } from '../texts';
import { chosenLanguage } from '../texts/language';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';

const t = texts.voice;

/** What is used of the Web Speech API, which TypeScript does not know. */
interface Recognition extends EventTarget {
  lang: string;
  interimResults: boolean;
  start(): void;
  stop(): void;
}
type Recognizer = new () => Recognition;

interface Heard extends Event {
  results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }>;
}

const recognizer = (): Recognizer | undefined => {
  const here = window as unknown as Record<string, Recognizer | undefined>;
  return here.SpeechRecognition ?? here.webkitSpeechRecognition;
};

/** A button that listens, shows what it hears, and has that searched for. */
export class Voice {
  readonly button: HTMLButtonElement;
  /** Says what it does, or why it cannot. */
  readonly told = el('p', { class: 'voice-told', role: 'status' });
  private listening: Recognition | null = null;

  /** heard: words so far; isWhole: nothing more will come. */
  constructor(private readonly heard: (words: string, isWhole: boolean) => void) {
    this.button = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': t.say, title: t.say },
      icon('mic'),
    );
    this.button.setAttribute('aria-pressed', 'false');
    this.button.addEventListener('click', () => this.toggle());
  }

  /** Listens no more, and has nothing searched for. */
  leave(): void {
    const { listening } = this;
    if (!listening) return;
    this.show(null, '');
    listening.stop();
  }

  private toggle(): void {
    if (this.listening) {
      this.listening.stop();
      return;
    }
    const Recognizer = recognizer();
    if (!Recognizer) {
      this.told.textContent = t.notHere;
      return;
    }
    this.listen(new Recognizer());
  }

  private listen(ear: Recognition): void {
    let words = '';
    let trouble = '';
    ear.lang = chosenLanguage();
    ear.interimResults = true;
    ear.addEventListener('result', (event) => {
      if (this.listening !== ear) return;
      const { results } = event as Heard;
      words = Array.from(results, (said) => said[0]?.transcript ?? '')
        .join(' ')
        .trim();
      this.heard(words, false);
    });
    ear.addEventListener('error', (event) => {
      const { error } = event as Event & { error?: string };
      trouble = error === 'not-allowed' || error === 'service-not-allowed' ? t.denied : t.nothing;
    });
    ear.addEventListener('end', () => {
      if (this.listening !== ear) return;
      this.show(null, words ? '' : trouble || t.nothing);
      if (words) this.heard(words, true);
    });
    ear.start();
    this.show(ear, t.listening);
  }

  private show(ear: Recognition | null, words: string): void {
    this.listening = ear;
    this.told.textContent = words;
    this.button.classList.toggle('is-listening', ear !== null);
    this.button.setAttribute('aria-pressed', String(ear !== null));
  }
}
