// What lies along a row of the axis. Only what is in view is in the document: of half a minute of speech and four
// systems there would be 18,000 elements, and a second for each zoom.
'use strict';

phonoscope.Track = (() => {
  const {make, fontOf, widthOf, spelled, SILENT} = phonoscope;
  const NARROWEST = 9;  // pixels that an item has on average; where they have less, they are painted
  const GAP = 3;        // pixels between two labels
  const fonts = new Map(), widths = new Map();  // of classes of labels, and of texts in them: measuring takes long

  // How an item is painted: [colour, opacity], or null.
  const paintOf = one => {
    const kinds = one.getAttribute('class').split(' ');
    if (SILENT.includes(one.symbol)) return null;
    if (kinds.some(kind => ['wrong', 'added', 'border'].includes(kind))) return ['--error', 1];
    return ['bar', 'spike', 'arc'].some(kind => kinds.includes(kind)) ? ['--system', 0.6] : ['--edge', 0.55];
  };

  class Track {
    // `items`: elements with their `start` and `end` in seconds, in the order in which they are to be drawn; those that
    // are `hidden` are left out. `place` holds them, by default the lane itself. `narrowest`: pixels of an item below
    // which they are painted, by `paint(pen, item, scale, origin)`. Where an item's place is not given in percent,
    // `put(item, width, stretch)` is called; `stretch` is what is drawn.
    constructor(view, lane, items, {place = lane, narrowest = NARROWEST, paint = null, put = null} = {}) {
      Object.assign(this, {view, lane, items, place, narrowest, put, paint: paint || this.block, drawn: null,
        row: lane.closest('.row')});
      view.tracks.push(this);
      this.hold();
    }

    // Take charge of its items; after they have changed, too.
    hold() {
      for (const one of this.items) {
        if (one.track === this) continue;
        one.track = this;
        for (const label of [one.label, one.caption]) label?.remove();
      }
      this.version = -1;
    }

    measure() {
      this.high = this.lane.clientHeight;
    }

    covers({from, to}, version) {
      return version === this.version && from >= this.drawn.from && to <= this.drawn.to;
    }

    // Put into the document what lies between seconds `from` and `to`, and what the keyboard is at.
    show(stretch, version) {
      const {from, to} = stretch, {view, narrowest} = this, scale = view.width / view.data.duration;
      const inside = this.items.filter(one => !one.hidden && one.start <= to && one.end >= from);
      const dense = inside.length * narrowest > (to - from) * scale;
      const wanted = dense ? [] : inside;
      if (view.stop?.track === this && !view.stop.hidden && !wanted.includes(view.stop)) wanted.push(view.stop);
      const kept = new Set(wanted);
      for (const one of [...this.place.children]) if (one.track === this && !kept.has(one)) one.remove();
      let next = this.first();
      for (const one of wanted) {
        if (one === next) next = next.nextSibling;
        else this.place.insertBefore(one, next);
        if (this.put && (one.placedAt !== view.width || one.start < from || one.end > to)) {
          this.put(one, view.width, stretch);
          one.placedAt = view.width;
        }
      }
      this.labels(wanted, stretch, scale);
      this.picture(dense ? inside : [], stretch, scale);
      Object.assign(this, {version, drawn: stretch});
    }

    first() {
      for (let one = this.place.firstChild; one; one = one.nextSibling) if (one.track === this) return one;
      return null;
    }

    // ---- labels

    // Write a label where it fits its item; else, as on a map, where it meets no other, what differs from the reference
    // first. So labels get fewer as a picture shrinks, and do not vanish at once.
    labels(items, {from, to}, scale) {
      const places = items.flatMap(one => [one.label, one.caption].filter(Boolean).map(label => {
        const text = label === one.label && !one.isWord ? spelled(one.symbol) : label.textContent;
        if (label.textContent !== text) label.textContent = text;
        const wide = this.wide(one, label, text) + GAP, room = (one.end - one.start) * scale;
        const begin = (one.start - from) * scale, fits = label === one.label && wide <= room;
        const left = label === one.caption ? begin : begin + (room - wide) / 2, isSilent = SILENT.includes(one.symbol);
        return {one, label, fits: fits && !isSilent, left: fits && !isSilent ? begin : left,
          right: fits && !isSilent ? begin + room : left + wide,
          rank: isSilent ? 3 : fits ? 0 : paintOf(one)?.[0] === '--error' ? 1 : 2};
      }));
      const taken = new Map();  // by height: which pixels have a label
      for (const {one, label, fits, left, right} of places.sort((a, b) => a.rank - b.rank)) {
        const height = `${label === one.caption} ${one.lane ?? one.style.top}`;
        if (!taken.has(height)) taken.set(height, new Uint8Array(Math.ceil((to - from) * scale) + 1));
        const pixels = taken.get(height), first = Math.max(Math.floor(left), 0), last = Math.max(Math.ceil(right), 0);
        const free = fits || !pixels.subarray(first, last).includes(1);
        if (free) pixels.fill(1, first, last);
        if (free !== (label.parentNode === one)) free ? one.append(label) : label.remove();
        if (label === one.label) one.classList.toggle('spread', free && !fits);
      }
    }

    wide(one, label, text) {
      const kind = `${this.lane.className} ${one.getAttribute('class').replace(' spread', '')} ${label === one.label}`;
      if (!fonts.has(kind)) {
        one.append(label);
        fonts.set(kind, fontOf(label));
      }
      const key = `${fonts.get(kind)} ${text}`;
      if (!widths.has(key)) widths.set(key, widthOf(text, fonts.get(kind)));
      return widths.get(key);
    }

    // ---- where there is no room for elements

    picture(items, {from, to}, scale) {
      this.canvas?.remove();
      this.items.painted = items;
      if (!items.length) return;
      const canvas = this.canvas = make('canvas', 'dense'), resolution = window.devicePixelRatio || 1;
      canvas.track = this;
      canvas.style.left = `${from * scale}px`;
      canvas.style.width = `${(to - from) * scale}px`;
      canvas.width = Math.ceil((to - from) * scale * resolution);
      canvas.height = Math.max(Math.round(this.high * resolution), 1);
      const pen = canvas.getContext('2d'), style = getComputedStyle(this.lane);
      pen.scale(resolution, resolution);
      for (const one of items) {
        const [colour, opacity] = paintOf(one) || [];
        if (!colour) continue;
        pen.globalAlpha = opacity;
        pen.fillStyle = pen.strokeStyle = style.getPropertyValue(colour);
        this.paint(pen, one, scale, from);
      }
      this.lane.append(canvas);
    }

    block(pen, {start, end, style}, scale, origin) {
      const top = parseFloat(style.top) || 2, high = Math.min(this.high - top - 2, style.top ? 12 : this.high);
      pen.fillRect((start - origin) * scale, top, Math.max((end - start) * scale - 0.7, 0.8), high);
    }

    // What is painted at that second: of several the likeliest.
    at(time) {
      return (this.items.painted || []).filter(one => one.start <= time && time < one.end)
        .reduce((a, b) => (!a || (b.posterior ?? 0) > (a.posterior ?? 0) ? b : a), null);
    }
  }

  return Track;
})();
