/**
 * Keeps the viewer itself, never what it shows: pages and their parts open without a network, and say then that the
 * server does not answer. Nothing below api/ is ever kept, so that nobody's photos stay in a browser they left.
 */
const SHELL = 'immichvr-shell-1';
/** Parts whose names hold a hash: what they are never changes. */
const HASHED = 'assets-static/';
/** Pages that are the same for everybody; what a share link leads to is not. */
const PAGES = ['', 'index.html', 'live.html'];
/** Parts of builds before this one go once there are so many. */
const MOST_PARTS = 80;

self.addEventListener('install', (event) => {
  event.waitUntil(keepPage('./').then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(dropOthers());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const path = pathWithin(request.url);
  if (request.method !== 'GET' || path === null || path.startsWith('api/')) return;
  if (path.startsWith(HASHED)) event.respondWith(keptOrFetched(request));
  else if (request.mode === 'navigate') event.respondWith(freshOrKept(request));
  else if (['favicon.svg', 'manifest.webmanifest'].includes(path) || path.endsWith('.png'))
    event.respondWith(freshOrKept(request));
});

/** The path below this worker's own; null of other sites. */
function pathWithin(address) {
  const { scope } = self.registration;
  return address.startsWith(scope) ? address.slice(scope.length).split(/[?#]/, 1)[0] : null;
}

/** Keeps a page with all the parts that it names. */
async function keepPage(path) {
  const cache = await caches.open(SHELL);
  const page = await fetch(path, { cache: 'no-cache' });
  if (!page.ok) return;
  const text = await page.clone().text();
  const parts = [...text.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)].map(([, part]) => part);
  await cache.put(path, page);
  await cache.addAll(parts);
}

async function keptOrFetched(request) {
  const kept = await caches.match(request, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await keep(request, answer.clone());
  return answer;
}

async function freshOrKept(request) {
  try {
    const answer = await fetch(request);
    const isOurs = request.mode !== 'navigate' || PAGES.includes(pathWithin(request.url));
    if (answer.ok && !answer.redirected && isOurs) await keep(request, answer.clone());
    return answer;
  } catch (error) {
    const kept = await caches.match(request, { ignoreSearch: true, ignoreVary: true });
    if (kept) return kept;
    // The viewer's own page stands in for its own addresses alone: a share link leads to somebody else's.
    if (request.mode !== 'navigate' || !PAGES.includes(pathWithin(request.url))) throw error;
    return (await caches.match('./', { ignoreVary: true })) ?? Response.error();
  }
}

async function keep(request, answer) {
  const cache = await caches.open(SHELL);
  // A page is one and the same whatever its address asks for.
  const [address] = request.url.split('?', 1);
  await cache.put(request.mode === 'navigate' ? address : request, answer);
  const parts = (await cache.keys()).filter(({ url }) => url.includes(HASHED));
  for (const old of parts.slice(0, Math.max(parts.length - MOST_PARTS, 0))) await cache.delete(old);
}

async function dropOthers() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith('immichvr-shell-') && name !== SHELL);
  await Promise.all(old.map((name) => caches.delete(name)));
}
