// How a picture lies on its time axis: which stretch is in view, zooming and moving along.
'use strict';

phonoscope.Axis = (() => {
  const {make, percent, between, widthOf, fontOf, gestures, Overview} = phonoscope;
  const PIXELS_PER_SECOND = 300;  // below this phones get too narrow to read, so a long utterance scrolls
  const CLOSEST = 30_000;         // pixels a second: a few periods of a voice fill the window
  const LONGEST = 16e6;           // pixels; browsers place nothing beyond twice that
  const STEP = 1.5;               // of a key or button
  const MARGIN = 0.3;             // so much of what is in view is drawn on each side of it
  const FEW = 1500;               // so many elements are made at once; of more, first those in view
  const PAD = 24;                 // pixels that are left beside what is brought into view

  class Axis {
    constructor(root, data) {
      Object.assign(this, {root, data, zoom: 1, width: 0, left: 0, seen: 0, version: 0});
      this.scroller = make('div', 'scroller');
      this.grid = make('div', 'timeline');
      this.scroller.append(this.grid);
      this.overview = new Overview(this);
      this.scroller.addEventListener('scroll', () => {
        if (Math.abs(this.scroller.scrollLeft - this.left) >= 1) this.left = this.scroller.scrollLeft;
        this.show();
      }, {passive: true});
      gestures(this);
      new ResizeObserver(() => {
        if (this.grid.childElementCount && this.scroller.clientWidth !== this.laidOut) this.layout();
      }).observe(this.scroller);
    }

    clear() {
      this.tracks = [];
      this.pictures = [];
      this.placed = [];
    }

    // ---- what is in view

    // Seconds at the edges of the view.
    inView() {
      const {width, seen, left, data: {duration}} = this;
      return {from: left / width * duration, to: Math.min((left + seen) / width, 1) * duration};
    }

    timeAt(clientX) {
      const begin = this.scroller.getBoundingClientRect().left + this.scroller.clientLeft + this.gutter;
      return (clientX - begin + this.left) / this.width * this.data.duration;
    }

    // Draw what came into view. What is out of view above or below waits until there is time for it, if it is much.
    show() {
      if (!this.width) return;
      const view = this.inView(), margin = MARGIN * (view.to - view.from), {version} = this;
      const wide = {from: Math.max(view.from - margin, 0), to: Math.min(view.to + margin, this.data.duration)};
      const top = this.scroller.scrollTop, bottom = top + this.high;
      const near = ({row}) => row.fixed || (row.below >= top && row.above <= bottom);
      const {ruled} = this;
      if (ruled?.version !== version || view.from < ruled.from || view.to > ruled.to) this.drawRuler(wide);
      const due = this.tracks.filter(track => !track.covers(view, version));
      due.filter(near).forEach(track => track.show(wide, version));
      this.pictures.filter(near).forEach(picture => picture.show(view, version));
      this.overview.show(view);
      clearTimeout(this.waiting);
      const rest = due.filter(track => !near(track));
      if (rest.reduce((sum, {items}) => sum + items.length, 0) < FEW) rest.forEach(track => track.show(wide, version));
      else this.later(rest, wide, version);
      this.changed?.();
    }

    // Draw all rows of what is in view, those too that are out of sight above or below.
    showAll() {
      const view = this.inView();
      [...this.tracks, ...this.pictures].forEach(one => one.show(view, this.version));
      clearTimeout(this.waiting);
    }

    later(tracks, stretch, version) {
      this.waiting = setTimeout(() => {
        const [next, ...others] = tracks;
        next.show(stretch, version);
        if (others.length) this.later(others, stretch, version);
      }, 30);
    }

    // Put one element into the document that the keyboard goes to.
    put(element) {
      if (this.width && element.track) element.track.show(element.track.drawn || this.inView(), this.version);
    }

    // ---- zooming and moving

    get base() {
      return Math.max(this.seen, this.data.duration * PIXELS_PER_SECOND);
    }

    // `time` stays where it is; by default what is in the middle.
    setZoom(zoom, time = null) {
      if (!this.width) return;
      const {duration} = this.data, {from, to} = this.inView();
      const still = time === null ? (from + to) / 2 : between(time, from, to);
      this.zoom = zoom;
      const before = still / duration * this.width - this.left;
      this.widen();
      this.move(still / duration * this.width - before);
    }

    zoomIn(time) {
      this.setZoom(this.zoom * STEP, time);
    }

    zoomOut(time) {
      this.setZoom(this.zoom / STEP, time);
    }

    // Let seconds `from` .. `to` fill the view.
    fill(from, to) {
      this.zoom = 1;
      this.setZoom(this.seen * this.data.duration / Math.max(to - from, 1e-3) / this.base);
      this.move((from + to) / 2 / this.data.duration * this.width - this.seen / 2);
    }

    // So many pixels of the axis lie left of the view.
    move(left) {
      this.left = between(left, 0, this.width - this.seen);
      this.show();
      this.scroller.scrollLeft = this.left;
    }

    moveTo(time) {
      this.move(time / this.data.duration * this.width);
    }

    // Move no further than it takes.
    bring(start, end) {
      if (!this.width) return;
      const [x0, x1] = [start, end].map(time => time / this.data.duration * this.width);
      const {left, seen} = this, pad = Math.min(PAD, seen / 8);
      if (x0 >= left && x1 <= left + seen) return;
      if (x0 < left && x1 > left + seen) return;
      this.move(x0 < left || x1 - x0 > seen ? x0 - pad : x1 + pad - seen);
    }

    // Keep the playhead in sight when only a part of the utterance is.
    follow(now) {
      const x = now / this.data.duration * this.width;
      if (x < this.left || x > this.left + this.seen) this.move(x - this.seen / 4);
    }

    // ---- how it lies on the page

    // The gutter is as wide as the longest name, but leaves the picture two thirds.
    fitGutter() {
      const names = [...this.grid.querySelectorAll('.row > .name')];
      this.grid.style.removeProperty('--gutter');
      const fonts = new Map(names.map(name => [name.parentNode.className, name]));
      fonts.forEach((name, kind) => fonts.set(kind, fontOf(name)));
      const wide = name => widthOf(name.firstChild?.textContent || '', fonts.get(name.parentNode.className)) + 34;
      const width = Math.max(names[0].offsetWidth,
        Math.min(Math.max(...names.map(wide)), this.scroller.clientWidth / 3));
      this.gutter = Math.ceil(width);
      this.grid.style.setProperty('--gutter', `${this.gutter}px`);
    }

    // After rows have come, gone or grown, or the window has another size.
    layout() {
      this.laidOut = this.scroller.clientWidth;
      this.fitGutter();
      this.seen = this.laidOut - this.gutter;
      if (this.seen <= 0) return;
      this.widen();
      this.measure();
      this.move(this.left);
    }

    measure() {
      this.high = this.scroller.clientHeight;
      let top = this.grid.firstChild.getBoundingClientRect().height;
      for (const row of this.grid.querySelectorAll('.kept')) {
        row.style.setProperty('--top', `${top}px`);
        top += row.getBoundingClientRect().height;
      }
      this.scroller.style.setProperty('--kept', `${top}px`);
      for (const row of this.grid.querySelectorAll('.row')) {
        row.fixed = row.parentNode !== this.grid || row.classList.contains('kept');
        row.above = row.offsetTop;
        row.below = row.above + row.offsetHeight;
      }
      [...this.tracks, ...this.pictures, this.overview].forEach(one => one.measure());
    }

    widen() {
      const {base, seen, data: {duration}} = this;
      const closest = Math.max(Math.min(duration * CLOSEST, LONGEST) / base, 1);
      this.zoom = between(this.zoom, Math.min(1, seen / base), closest);
      const width = this.width = Math.round(base * this.zoom);
      this.version += 1;
      this.grid.style.width = `${width + this.gutter}px`;
      this.placed.forEach(place => place(width));
    }

    // Ticks where there is room for their numbers.
    drawRuler({from, to}) {
      const {duration} = this.data;
      const steps = [-3, -2, -1, 0, 1].flatMap(power => [1, 2, 5].map(one => one * 10 ** power));
      const step = steps.find(seconds => seconds / duration * this.width >= 64) || 60;
      const ticks = [], digits = Math.max(-Math.floor(Math.log10(step) + 1e-9), 1);
      for (let i = Math.max(Math.floor(from / step), 0); i * step < Math.min(to, duration); i += 1) {
        const tick = make('span', 'tick', (i * step).toFixed(digits));
        tick.style.left = percent(i * step, duration);
        if ((duration - i * step) / duration * this.width < 26) tick.classList.add('last');
        ticks.push(tick);
      }
      this.ruler.replaceChildren(...ticks);
      this.ruled = {from, to, version: this.version};
    }
  }

  return Axis;
})();
