import { isSharePage } from '../sharing';

/** Has the browser keep the viewer itself, so that it opens without a network and can be installed. */
export function keepShell(): void {
  const mayKeep = import.meta.env.PROD && window.isSecureContext && !isSharePage();
  if (!mayKeep || !('serviceWorker' in navigator)) return;
  const register = () => {
    // Without it the viewer is as it is everywhere else.
    navigator.serviceWorker.register(new URL('sw.js', document.baseURI)).catch(() => {});
  };
  if (document.readyState === 'complete') register();
  else window.addEventListener('load', register, { once: true });
}
