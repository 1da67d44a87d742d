// On the docs site: the playground in the bar at the top, and under code with a model a link that opens it there. The link carries the
// code as data, behind the #; the playground runs it when its button is pressed.
(() => {
  const playground = `${document.documentElement.dataset.base ?? './'}playground/index.html`;
  /** What the playground has nothing of: files, what only Node can load, and syntax that it does not read. */
  const AT_HOME = /'2headgrad\/|'node:|\.(save|load)\(|saveWeights\(|\.safetensors|\bawait using\b/;

  /** The text of a block, in which the generator has made an element of each end of a line. */
  const textOf = (/** @type {Element} */ code) => {
    const copy = /** @type {Element} */ (code.cloneNode(true));
    for (const end of copy.querySelectorAll('br')) end.replaceWith('\n');
    return copy.textContent ?? '';
  };

  /** base64url of UTF-8. */
  const encoded = (/** @type {string} */ text) =>
    btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '');

  const bar = document.getElementById('tsd-toolbar-links');
  if (bar) {
    const link = document.createElement('a');
    link.href = playground;
    link.textContent = 'Playground';
    bar.append(link);
  }

  // Blocks of a page of the guide build on those before; an example of the reference stands alone.
  const isGuide = /\/documents\//.test(location.pathname);
  const before = [];
  for (const code of document.querySelectorAll('pre > code.ts, pre > code.typescript')) {
    const own = textOf(code);
    if (isGuide) before.push(own);
    const program = isGuide ? before.join('\n') : own;
    const isModel = /\b(trainStep|compileFunction)\(/.test(program) && program.includes("from '2headgrad';");
    if (!isModel || AT_HOME.test(program)) continue;
    const link = document.createElement('a');
    link.className = 'open-in-playground';
    link.href = `${playground}#code=${encoded(program)}`;
    link.textContent = 'Open in the playground';
    code.parentElement?.after(link);
  }
})();
