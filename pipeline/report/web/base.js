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

  const percent = (part, whole) => `${(100 * part / whole).toFixed(6)}%`;
  const inIpa = () => document.documentElement.classList.contains('ipa');
  const spelled = symbol => (inIpa() && IPA[symbol]) || (SILENT.includes(symbol) ? '·' : symbol);
  const named = symbol => ({SIL: 'silence', '<blk>': 'blank'}[symbol] || spelled(symbol));
  const between = (value, low, high) => Math.min(Math.max(value, low), high);

  // What a person reads and a screen reader says of an element: a text, or a function that gives it anew when phones
  // are spelled otherwise.
  const spelling = [];  // also those that are not in view now
  const describe = (element, told) => {
    const text = typeof told === 'function' ? told() : told;
    if (text !== told && !element.told) spelling.push(new WeakRef(element));
    element.told = told;
    element.setAttribute('aria-label', text);
    element.dataset.text = text;
  };
  const retell = () => {
    const there = spelling.map(one => one.deref()).filter(Boolean);
    spelling.splice(0, spelling.length, ...there.map(one => new WeakRef(one)));
    there.forEach(one => describe(one, one.told));
  };
  const stretch = (start, end) =>
    `${start.toFixed(2)} to ${end.toFixed(2)} s (${((end - start) * 1000).toFixed(0)} ms)`;

  // Width of a text in pixels, in the font of an element.
  const pen = document.createElement('canvas').getContext('2d');
  const fontOf = element => {
    const {fontStyle, fontWeight, fontSize, fontFamily} = getComputedStyle(element);
    return `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
  };
  const widthOf = (text, font) => {
    if (pen.font !== font) pen.font = font;
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

  return {IPA, SILENT, make, makeSvg, percent, spelled, named, between, describe, retell, stretch, fontOf, widthOf,
    remembered, remember, bytesOf};
})();
