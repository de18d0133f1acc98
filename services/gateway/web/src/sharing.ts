import type { Api } from './api/client';
import { ApiError } from './api/client';
import type { Share } from './api/schema';
import { texts } from './texts';
import { el } from './ui/dom';
import { explainError } from './ui/errors';

const t = texts.link;

/** Whether this page is that of a share link, as the gateway marks it: it shows, and does nothing else. */
export const isSharePage = (): boolean =>
  document.querySelector('meta[name="immichvr-link"]') !== null;

/** What the link of this page shows, once its password is given; null where it leads nowhere. */
export async function enterShare(api: Api, root: HTMLElement): Promise<Share | null> {
  try {
    return await api.share();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === 'password_required') return askForPassword(api, root);
    const { title, advice } = explainError(error);
    const gone = error.status === 401;
    root.append(
      el(
        'div',
        { class: 'outage', role: 'alert' },
        el('h2', {}, gone ? t.gone : title),
        el('p', {}, gone ? t.goneAdvice : advice),
      ),
    );
    return null;
  }
}

function askForPassword(api: Api, root: HTMLElement): Promise<Share | null> {
  const password = el('input', {
    name: 'password',
    type: 'password',
    autocomplete: 'off',
    required: true,
    'aria-label': t.passwordOf,
  });
  const wrong = el('p', { class: 'form-error', role: 'alert' });
  const form = el(
    'form',
    { class: 'login-form' },
    el('label', { class: 'field' }, el('span', {}, t.password), password),
    wrong,
    el('button', { class: 'button is-primary', type: 'submit' }, t.open),
  );
  const dialog = el(
    'dialog',
    { class: 'dialog dialog-login', 'aria-labelledby': 'share-title' },
    el('h2', { id: 'share-title' }, t.asks),
    form,
  );
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  root.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void api.openShare(password.value).then(
        async () => {
          dialog.remove();
          resolve(await enterShare(api, root));
        },
        (error: unknown) => {
          if (!(error instanceof ApiError)) throw error;
          const { title, advice } = explainError(error);
          wrong.textContent = error.status === 401 ? t.wrong : `${title} ${advice}`;
        },
      );
    });
  });
}
