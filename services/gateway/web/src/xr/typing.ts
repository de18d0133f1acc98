interface Typed {
  /** What stands there by now. */
  words(words: string): void;
  /** It is complete, and not empty. */
  done(words: string): void;
}

/** Has something typed with the headset's own keyboard, where it shows one over VR. */
export function typeWords({ words, done }: Typed): void {
  const field = document.createElement('input');
  field.type = 'search';
  field.style.cssText = 'position:fixed;opacity:0;bottom:0';
  document.body.append(field);
  field.addEventListener('input', () => words(field.value));
  const end = () => {
    const typed = field.value.trim();
    field.remove();
    if (typed) done(typed);
  };
  field.addEventListener('change', end, { once: true });
  field.addEventListener('blur', end, { once: true });
  field.focus();
}

/** As far as browsers have it, beyond what the types know. */
type Typing = XRSession & { isSystemKeyboardSupported?: boolean };

export const canType = (session: XRSession | null): boolean =>
  (session as Typing | null)?.isSystemKeyboardSupported ?? false;
