/** As far as it is used here; browsers that have it know it by either name. */
interface Recogniser extends EventTarget {
  lang: string;
  interimResults: boolean;
  start(): void;
  stop(): void;
  abort(): void;
}
type RecogniserClass = new () => Recogniser;

interface ResultEvent extends Event {
  results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }>;
}

export type VoiceState = 'absent' | 'ready' | 'listening' | 'refused' | 'nothing';

interface VoiceEvents {
  /** What was understood so far. */
  words(words: string): void;
  state(state: VoiceState): void;
  /** What was said, when it ended. */
  said(words: string): void;
}

function recogniser(): RecogniserClass | null {
  const { SpeechRecognition, webkitSpeechRecognition } = window as never as Record<
    string,
    RecogniserClass | undefined
  >;
  return SpeechRecognition ?? webkitSpeechRecognition ?? null;
}

/** Listens to one search at a time, by the browser's own means where it has some. */
export class Voice {
  state: VoiceState = recogniser() ? 'ready' : 'absent';
  private listening: Recogniser | null = null;
  private words = '';

  constructor(private readonly events: VoiceEvents) {}

  toggle(): void {
    if (this.listening) this.listening.stop();
    else this.begin();
  }

  stop(): void {
    this.listening?.abort();
    this.listening = null;
    if (this.state === 'listening') this.tell('ready');
  }

  private begin(): void {
    const Class = recogniser();
    if (!Class) {
      this.tell('absent');
      return;
    }
    const one = new Class();
    one.lang = document.documentElement.lang || navigator.language;
    one.interimResults = true;
    this.words = '';
    one.addEventListener('result', (event) => {
      this.words = transcriptOf(event as ResultEvent);
      this.events.words(this.words);
    });
    one.addEventListener('error', (event) => {
      const { error } = event as Event & { error?: string };
      if (one === this.listening && (error === 'not-allowed' || error === 'service-not-allowed')) {
        this.listening = null;
        this.tell('refused');
      }
    });
    one.addEventListener('end', () => {
      if (one !== this.listening) return;
      this.listening = null;
      const said = this.words.trim();
      this.tell(said ? 'ready' : 'nothing');
      if (said) this.events.said(said);
    });
    this.listening = one;
    this.tell('listening');
    try {
      one.start();
    } catch {
      this.listening = null;
      this.tell('refused');
    }
  }

  private tell(state: VoiceState): void {
    this.state = state;
    this.events.state(state);
  }
}

export const transcriptOf = ({ results }: Pick<ResultEvent, 'results'>): string =>
  Array.from(results, (result) => result[0]?.transcript ?? '')
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
