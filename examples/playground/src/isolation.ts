/**
 * Where the host sends no headers that isolate the page, a service worker adds them (public/isolation.js). It works
 * from the next load on, so the page is loaded again, once.
 */
export async function isolate(): Promise<void> {
  if (crossOriginIsolated || !isSecureContext || !('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register(new URL('isolation.js', document.baseURI));
    await navigator.serviceWorker.ready;
    if (sessionStorage.getItem('isolated')) return;
    sessionStorage.setItem('isolated', 'tried');
    location.reload();
  } catch {
    // Forbidden, or it could not be loaded: one thread then, as the page says.
  }
}
