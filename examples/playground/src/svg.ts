// Drawings of a stranger's graph: Graphviz has seen the names in it, and a name is whatever its author wrote.

const SVG = 'http://www.w3.org/2000/svg';
const ELEMENTS = new Set([
  'svg',
  'g',
  'title',
  'text',
  'path',
  'polygon',
  'polyline',
  'ellipse',
  'circle',
  'rect',
]);
const ATTRIBUTES = new Set([
  ...[
    'class',
    'viewBox',
    'width',
    'height',
    'transform',
    'x',
    'y',
    'cx',
    'cy',
    'r',
    'rx',
    'ry',
    'd',
    'points',
  ],
  ...['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-opacity', 'stroke-dasharray'],
  ...['text-anchor', 'font-family', 'font-size', 'font-weight', 'font-style'],
]);
/** Shapes, colours, numbers and names of fonts need no more; what could name an address does not pass. */
const VALUE = /^[\w\s.,#%()'+-]*$/;
const DEEPEST = 16;

/**
 * The drawing of an SVG text, made anew of the elements and attributes that a drawing has: no links, no images, no
 * styles, no scripts, nothing that loads. Throws Error if the text is no SVG.
 */
export function drawingOf(text: string): SVGSVGElement {
  const { documentElement } = new DOMParser().parseFromString(text, 'image/svg+xml');
  if (documentElement.namespaceURI !== SVG || documentElement.localName !== 'svg')
    throw new Error('what came is no drawing');
  return copyOf(documentElement, 0) as SVGSVGElement;
}

function copyOf(element: Element, depth: number): Element {
  const copy = document.createElementNS(SVG, element.localName);
  for (const { name, value } of element.attributes)
    if (ATTRIBUTES.has(name) && VALUE.test(value) && !/url/i.test(value)) copy.setAttribute(name, value);
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(child.nodeValue ?? '');
    else if (child instanceof Element && isDrawn(child) && depth < DEEPEST)
      copy.append(copyOf(child, depth + 1));
    else if (child instanceof Element && child.localName === 'a') copy.append(...linked(child, depth));
  }
  return copy;
}

const isDrawn = (element: Element) => element.namespaceURI === SVG && ELEMENTS.has(element.localName);

/** What a link is around, without the link. */
function linked(link: Element, depth: number): Element[] {
  return [...link.children].filter(isDrawn).map((child) => copyOf(child, depth + 1));
}
