// What one sees of an utterance as files: the picture as SVG and PNG, the rows as a TextGrid for Praat.
'use strict';

phonoscope.picture = (() => {
  const {makeSvg, spelled, SILENT, save} = phonoscope;
  const MARGIN = 10, TITLE = 26, PAD = 3;  // pixels
  const CAPITALS = 0.72;                   // height of a capital letter, of the size of its font

  const clear = colour => !colour || colour === 'transparent' || /^rgba\(.*, 0\)$/.test(colour);

  // A drawing of the page's elements as they lie, made of what an SVG file has.
  class Copy {
    constructor(view) {
      const frame = view.scroller.getBoundingClientRect();
      Object.assign(this, {view, width: view.scroller.clientWidth, height: view.grid.offsetHeight + TITLE,
        left: frame.left + view.scroller.clientLeft, top: view.grid.getBoundingClientRect().top - TITLE});
      const box = `${-MARGIN} ${-MARGIN} ${this.width + 2 * MARGIN} ${this.height + 2 * MARGIN}`;
      this.svg = makeSvg('svg', {viewBox: box});
      const clip = makeSvg('clipPath', {id: 'lane'});
      clip.append(makeSvg('rect', {x: view.gutter, y: 0, width: this.width - view.gutter, height: this.height}));
      this.svg.append(clip);
      this.lanes = makeSvg('g', {'clip-path': 'url(#lane)'});
      this.names = makeSvg('g');
      this.svg.append(this.lanes, this.names);
    }

    add(to, tag, attributes) {
      const element = makeSvg(tag, attributes);
      to.append(element);
      return element;
    }

    rect(to, box, fill, more = {}) {
      this.add(to, 'rect', {x: (box.left - this.left).toFixed(1), y: (box.top - this.top).toFixed(1),
        width: Math.max(box.width, 0.5).toFixed(1), height: box.height.toFixed(1), fill, ...more});
    }

    text(to, text, {left, top, height}, look, fill = look.color) {
      const size = parseFloat(look.fontSize);
      this.add(to, 'text', {x: (left - this.left).toFixed(1), fill, 'font-family': look.fontFamily.replaceAll('"', "'"),
        y: (top - this.top + (height + CAPITALS * size) / 2).toFixed(1), 'font-size': size, 'font-weight':
        look.fontWeight, 'font-style': look.fontStyle}).textContent = text;
    }

    // Ground, frame and marks of an element.
    box(to, element, look) {
      const box = element.getBoundingClientRect(), rx = Math.min(parseFloat(look.borderTopLeftRadius) || 0, 4);
      const [, edge] = look.boxShadow.match(/^(rgba?\([^)]*\)) 0px 0px 0px 1px inset/) || [];
      const framed = edge ? {stroke: edge, 'stroke-width': 0.8} : {};
      const ground = clear(look.backgroundColor) ? 'none' : look.backgroundColor;
      if (edge || ground !== 'none') this.rect(to, box, ground, {...framed, ...(rx ? {rx} : {})});
      for (const [side, x1, y1, x2, y2] of [['Top', 0, 0, 1, 0], ['Bottom', 0, 1, 1, 1], ['Left', 0, 0, 0, 1],
        ['Right', 1, 0, 1, 1]]) {
        const wide = parseFloat(look[`border${side}Width`]), colour = look[`border${side}Color`];
        if (!wide || clear(colour) || look[`border${side}Style`] === 'none') continue;
        const at = (across, down) => (
          [box.left - this.left + across * box.width, box.top - this.top + down * box.height]);
        const [a, b] = [at(x1, y1), at(x2, y2)];
        this.add(to, 'line', {x1: a[0].toFixed(1), y1: a[1].toFixed(1), x2: b[0].toFixed(1), y2: b[1].toFixed(1),
          stroke: colour, 'stroke-width': wide,
          ...(look[`border${side}Style`] === 'dashed' ? {'stroke-dasharray': '3 2'} : {})});
      }
      for (const which of ['::before', '::after']) this.mark(to, element, box, getComputedStyle(element, which));
    }

    // What a style sheet puts into an element: spikes, bars of confidence.
    mark(to, element, box, look) {
      if (look.content === 'none' || look.position !== 'absolute' || clear(look.backgroundColor)) return;
      const [left, top, width, height] = ['left', 'top', 'width', 'height'].map(name => parseFloat(look[name]));
      if ([left, top, width, height].some(Number.isNaN)) return;
      this.rect(to, {left: box.left + left, top: box.top + top, width, height}, look.backgroundColor,
        {'fill-opacity': look.opacity});
    }

    // An element and all in it.
    copy(to, element) {
      if (!element.getClientRects().length || element.classList.contains('over')) return;
      const look = getComputedStyle(element), box = element.getBoundingClientRect();
      if (look.visibility === 'hidden' || clear(look.color) || this.outside(element, box)) return;
      if (element.tagName === 'CANVAS') {
        const image = this.add(to, 'image', {x: (box.left - this.left).toFixed(1), preserveAspectRatio: 'none',
          y: (box.top - this.top).toFixed(1), width: box.width.toFixed(1), height: box.height.toFixed(1)});
        image.setAttribute('href', element.toDataURL());
        return;
      }
      if (element.tagName === 'svg') {
        const place = `translate(${(box.left - this.left).toFixed(1)} ${(box.top - this.top).toFixed(1)})`;
        this.drawing(this.add(to, 'g', {transform: place}), element);
        return;
      }
      if (element.classList.contains('ramp')) this.ramp(to, box, look.color);
      else if (element.classList.contains('gap')) {
        this.rect(to, {left: box.left + box.width / 2 - 1, top: box.top, width: 2, height: box.height},
          look.getPropertyValue('--error'));
      } else this.box(to, element, look);
      for (const child of element.childNodes) {
        if (child.nodeType === Node.ELEMENT_NODE) this.copy(to, child);
        else if (child.nodeType === Node.TEXT_NODE && child.textContent.trim()) this.words(to, child, look);
      }
    }

    // The scale of greys, in steps.
    ramp(to, box, colour, steps = 24) {
      for (let i = 0; i < steps; i += 1) {
        this.rect(to, {left: box.left, top: box.top + i * box.height / steps, width: box.width,
          height: box.height / steps}, colour, {'fill-opacity': (1 - i / (steps - 1)).toFixed(2)});
      }
    }

    outside(element, box) {
      return !element.closest('.name') && (box.right < this.left || box.left > this.left + this.width);
    }

    words(to, node, look) {
      const range = document.createRange();
      range.selectNodeContents(node);
      this.text(to, node.textContent.trim(), range.getBoundingClientRect(), look);
    }

    // A drawing within the page, with the look that its style sheet gives it.
    drawing(to, svg) {
      for (const part of svg.querySelectorAll('path:not(.hit), circle, text, line, rect')) {
        if (!part.getClientRects().length || this.outside(part, part.getBoundingClientRect())) continue;
        const copy = part.cloneNode(true);
        copy.removeAttribute('class');
        copy.setAttribute('style', save.lookOf(part));
        to.append(copy);
      }
    }

    // A row: its name with its system's mark, and what lies in its lane.
    row(row) {
      const name = row.querySelector('.name'), lane = row.querySelector('.lane');
      this.copy(this.lanes, lane);
      this.copy(this.names, name);
      if (getComputedStyle(name, '::before').content === 'none') return;
      const box = name.getBoundingClientRect();
      this.rect(this.names, {left: this.left, top: box.top + PAD, width: PAD, height: box.height - 2 * PAD},
        getComputedStyle(row).getPropertyValue('--system'));
    }
  }

  // The picture of a view as it is zoomed, all of its rows, under the utterance's name and times.
  function drawn(view) {
    const down = view.scroller.scrollTop, {from, to} = view.inView();
    view.scroller.scrollTop = 0;
    view.showAll();
    const copy = new Copy(view), title = `${view.data.id}, ${from.toFixed(2)} to ${to.toFixed(2)} s`;
    const look = getComputedStyle(view.root);
    view.grid.querySelectorAll('.row').forEach(row => copy.row(row));
    view.grid.querySelectorAll('.heading').forEach(heading => copy.copy(copy.names, heading));
    copy.text(copy.names, title, {left: copy.left, top: copy.top, height: TITLE - 6}, look);
    view.scroller.scrollTop = down;
    return copy.svg;
  }

  // Rows of segments as tiers, named as they are read out; between segments there is nothing.
  function textGrid(view) {
    const {duration} = view.data, quoted = text => `"${text.replaceAll('"', '""')}"`;
    const tiers = view.tracks.filter(({items}) => items.length && items.every(one => one.matches('.segment')));
    const lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', '', 0, duration, '<exists>', tiers.length];
    for (const {lane, items} of tiers) {
      const intervals = [];
      let end = 0;
      for (const one of [...items].sort((a, b) => a.start - b.start)) {
        const start = Math.max(one.start, end), stop = Math.min(one.end, duration);
        if (stop <= start) continue;
        if (start > end) intervals.push([end, start, '']);
        intervals.push([start, end = stop, SILENT.includes(one.symbol) ? '' : one.isWord ? one.symbol
          : spelled(one.symbol)]);
      }
      if (end < duration) intervals.push([end, duration, '']);
      lines.push('"IntervalTier"', quoted(lane.getAttribute('aria-label')), 0, duration, intervals.length);
      intervals.forEach(([start, stop, text]) => lines.push(start, stop, quoted(text)));
    }
    return `${lines.join('\n')}\n`;
  }

  // Buttons that save what one sees.
  function buttons(view) {
    const {id} = view.data, group = save.buttons(id, () => drawn(view));
    group.prepend('save ');
    group.append(save.button(id, 'TextGrid', () => (
      save.file(`${save.nameOf(id)}.TextGrid`, new Blob([textGrid(view)], {type: 'text/plain'})))));
    return group;
  }

  return {drawn, textGrid, buttons};
})();
