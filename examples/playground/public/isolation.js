// @ts-nocheck: TypeScript has types of service workers and of pages, but not both in one project.
// For hosts that cannot be told which headers to send: a service worker that adds those that isolate a page, without
// which browsers give it no shared memory, hence no threads. It keeps nothing and changes nothing else.
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (new URL(request.url).origin !== self.location.origin) return;
  // A browser's own request for what it has; a worker must not make one.
  if (request.cache === 'only-if-cached' && request.mode !== 'same-origin') return;
  event.respondWith(fetch(request).then(isolated));
});

/** @param {Response} response */
function isolated(response) {
  const { status, statusText, body } = response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  // These have no body, and must not get one.
  return new Response([101, 204, 205, 304].includes(status) ? null : body, { status, statusText, headers });
}
