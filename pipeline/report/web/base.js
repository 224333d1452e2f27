// What all parts of the report's script share. Plain JavaScript, no library, no network.
'use strict';

const phonoscope = (() => {
  const IPA = JSON.parse(document.getElementById('ipa').textContent);
  const SILENT = ['SIL', '<blk>'];

  const make = (tag, className = '', text = '') => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  };

  const makeSvg = (tag, attributes = {}) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    return element;
  };

  const percent = (part, whole) => `${(100 * part / whole).toFixed(4)}%`;
  const inIpa = () => document.documentElement.classList.contains('ipa');
  const spelled = symbol => (inIpa() && IPA[symbol]) || (SILENT.includes(symbol) ? '·' : symbol);
  const named = symbol => ({SIL: 'silence', '<blk>': 'blank'}[symbol] || spelled(symbol));
  const between = (value, low, high) => Math.min(Math.max(value, low), high);
  const shown = element => element.getClientRects().length > 0;

  // What a person reads and a screen reader says of an element: a text, or a function that gives it anew when phones
  // are spelled otherwise.
  const describe = (element, told) => {
    const text = typeof told === 'function' ? told() : told;
    element.told = told;
    element.setAttribute('aria-label', text);
    element.dataset.text = text;
  };
  const retell = root => root.querySelectorAll('[data-text]').forEach(one => one.told && describe(one, one.told));
  const stretch = (start, end) =>
    `${start.toFixed(2)} to ${end.toFixed(2)} s (${((end - start) * 1000).toFixed(0)} ms)`;

  // Width of a text in pixels; `sample` is an element in its font.
  const pen = document.createElement('canvas').getContext('2d');
  const widthOf = (text, sample) => {
    const {fontWeight, fontSize, fontFamily} = getComputedStyle(sample);
    pen.font = `${fontWeight} ${fontSize} ${fontFamily}`;
    return pen.measureText(text).width;
  };

  // What a reader chose, kept from page to page where the browser keeps anything for pages from disk.
  const remembered = (name, fallback) => {
    try {
      return JSON.parse(localStorage.getItem(`phonoscope.${name}`)) ?? fallback;
    } catch {
      return fallback;
    }
  };
  const remember = (name, value) => {
    try {
      localStorage.setItem(`phonoscope.${name}`, JSON.stringify(value));
    } catch { /* then it lasts as long as the page */ }
  };

  const bytesOf = base64 => Uint8Array.from(atob(base64), character => character.charCodeAt(0));

  // Promise of a function that reads a PNG's opacity, 0 to 1, at a place: shares of its height (from the top) and of
  // its width.
  const alphasOf = async png => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = make('canvas');
    Object.assign(canvas, {width: image.width, height: image.height});
    const pen = canvas.getContext('2d', {willReadFrequently: true});
    pen.drawImage(image, 0, 0);
    const {data, width, height} = pen.getImageData(0, 0, image.width, image.height);
    const index = (share, size) => between(Math.floor(share * size), 0, size - 1);
    return (down, across) => data[4 * (index(down, height) * width + index(across, width)) + 3] / 255;
  };

  return {IPA, SILENT, make, makeSvg, percent, spelled, named, between, shown, describe, retell, stretch, widthOf,
    remembered, remember, bytesOf, alphasOf};
})();
