// A time axis with rows of buttons on it: ruler, sound and spectrogram; playing, zooming, pointing, and the keyboard.
'use strict';

phonoscope.Timeline = (() => {
  const {make, percent, between, shown, stretch, widthOf, spelled, player} = phonoscope;
  const PIXELS_PER_SECOND = 300;  // below this phones get too narrow to read, so a long utterance scrolls
  const MAX_ZOOM = 16;

  class Timeline {
    constructor(root, data) {
      this.root = root;
      this.data = data;
      this.zoom = 1;
      this.rate = 1;
      this.time = null;
      this.marks = {band: [], cursor: [], head: []};
      this.scroller = make('div', 'scroller');
      this.grid = make('div', 'timeline');
      this.scroller.append(this.grid);
      this.readout = make('output', 'readout', 'Point at a segment to read it.');
      this.readout.setAttribute('aria-live', 'off');
      this.listen();
      new ResizeObserver(() => {
        if (this.grid.childElementCount && this.scroller.clientWidth !== this.laidOut) this.layout();
      }).observe(this.scroller);
    }

    // Begin again with an empty picture: axis and sound, which stay in sight, the spectrogram, and what lies over all
    // rows.
    clear() {
      this.rows = [];      // arrays of buttons in order of time, from top to bottom
      this.labelled = [];  // everything on the axis that has a label
      this.placed = [];    // what must be drawn again when the axis changes: functions of its width in pixels
      this.marks = {band: [], cursor: [], head: []};
      this.stop = null;
      const fixed = make('div', 'fixed');
      this.grid.replaceChildren(fixed, this.overlay());
      this.ruler = this.row('time', 'ruler', 'seconds', null, fixed);
      this.wave(fixed);
      fixed.append(this.overlay());
      this.spectrogram();
    }

    overlay() {
      const over = make('div', 'over');
      for (const [kind, marks] of Object.entries(this.marks)) {
        const mark = make('div', kind);
        mark.hidden = true;
        marks.push(mark);
        over.append(mark);
      }
      return over;
    }

    // Put the mark of a kind (band, cursor, head) over all rows at these seconds; without any, take it away.
    over(kind, start = null, end = start) {
      for (const mark of this.marks[kind]) {
        mark.hidden = start === null;
        if (start === null) continue;
        mark.style.left = percent(start, this.data.duration);
        if (end > start) mark.style.width = percent(end - start, this.data.duration);
      }
    }

    // A row: its name in the gutter, which stays while the rest scrolls, and a lane on the time axis.
    row(name, className, label, system = null, parent = this.grid) {
      const row = make('div', `row ${className.split(' ').map(part => `${part}-row`).join(' ')}`);
      const lane = make('div', `lane ${className}`);
      row.append(make('div', 'name', name), lane);
      if (system !== null) row.classList.add(`s${system}`);
      if (label) {
        lane.setAttribute('role', 'group');
        lane.setAttribute('aria-label', label);
      }
      parent.append(row);
      return lane;
    }

    wave(parent) {
      const lane = this.row('sound', 'wave', '', null, parent);
      const canvas = make('canvas');
      canvas.setAttribute('aria-hidden', 'true');
      lane.append(canvas);
      this.selectable(lane);
      this.placed.push(width => this.drawWave(canvas, width));
    }

    spectrogram() {
      const lane = this.row('', 'spectrogram', '');
      lane.append(this.ink(this.data.spectrogram, `Spectrogram of ${this.data.id}`));
      phonoscope.voice.draw(this, lane);
      const top = this.data.rate / 2000;
      const step = top > 5 ? 2 : 1;
      for (let kilohertz = step; kilohertz < top; kilohertz += step) {
        const mark = make('span', 'hertz', `${kilohertz} kHz`);
        mark.style.bottom = percent(kilohertz, top);
        lane.previousSibling.append(mark);
      }
      this.selectable(lane);
    }

    // A picture whose opacity is a PNG's.
    ink(png, label) {
      const ink = make('div', 'ink');
      ink.style.maskImage = ink.style.webkitMaskImage = `url(data:image/png;base64,${png})`;
      ink.setAttribute('role', 'img');
      ink.setAttribute('aria-label', label);
      return ink;
    }

    // A button on the time axis that plays what it covers.
    segment(start, end, symbol, className, isWord = false) {
      const button = make('button', className);
      button.type = 'button';
      button.tabIndex = -1;
      button.style.left = percent(start, this.data.duration);
      button.style.width = percent(end - start, this.data.duration);
      Object.assign(button, {start, end, symbol, isWord});
      button.label = make('span', 'label', isWord ? symbol : spelled(symbol));
      button.append(button.label);
      this.labelled.push(button);
      return button;
    }

    samples() {
      this.pcm = this.pcm || new Int16Array(phonoscope.bytesOf(this.data.pcm).buffer);
      return this.pcm;
    }

    play(from, to) {
      player.play(this, Math.max(from, 0), Math.min(to, this.data.duration), this.rate);
    }

    // ---- what a person does

    listen() {
      const point = event => this.mark(event.target.closest('[data-text]'));
      this.grid.addEventListener('pointerover', point);
      this.grid.addEventListener('focusin', event => {
        point(event);
        const target = event.target.closest('[data-text]');
        if (target?.start !== undefined) this.at((target.start + target.end) / 2);
      });
      this.grid.addEventListener('pointermove', event => this.at(this.timeOf(event)));
      this.grid.addEventListener('pointerleave', () => {
        this.mark(null);
        this.at(null);
      });
      this.grid.addEventListener('click', event => {
        const target = event.target.closest('button, [role=button]');
        if (target?.start === undefined) return;
        this.focus(target);
        const around = event.shiftKey ? 0.15 : 0;
        this.play(target.start - around, target.end + around);
      });
      this.grid.addEventListener('keydown', event => this.key(event));
    }

    timeOf(event) {
      const box = this.ruler.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      return share < 0 || share > 1 ? null : share * this.data.duration;
    }

    // The time a person looks at; null for none.
    at(time) {
      this.time = time;
      this.over('cursor', time);
    }

    mark(target) {
      this.over('band', target?.start, target?.end);
      if (target) this.readout.textContent = target.dataset.text;
    }

    key(event) {
      const here = event.target.closest('button, [role=button]');
      const number = this.rows.findIndex(row => row.includes(here));
      if (number < 0) return;
      if (here.tagName !== 'BUTTON' && ['Enter', ' '].includes(event.key)) {
        event.preventDefault();
        this.play(here.start, here.end);
      }
      const row = this.rows[number].filter(shown);
      const place = row.indexOf(here);
      const target = {
        ArrowLeft: () => row[place - 1],
        ArrowRight: () => row[place + 1],
        ArrowUp: () => this.nearest(here, number, -1),
        ArrowDown: () => this.nearest(here, number, 1),
        Home: () => row[0],
        End: () => row.at(-1),
        '+': () => this.setZoom(this.zoom * 1.5),
        '-': () => this.setZoom(this.zoom / 1.5),
      }[event.key];
      if (!target) return;
      event.preventDefault();
      const found = this.rows[number].move?.(here, event.key) || target();
      if (found) this.focus(found);
      else this.reveal(here);
    }

    nearest(here, number, step) {
      const middle = button => (button.start + button.end) / 2;
      for (let i = number + step; this.rows[i]; i += step) {
        const row = (this.rows[i].enter?.(step) || this.rows[i]).filter(shown);
        if (row.length) return row.reduce((a, b) =>
          Math.abs(middle(b) - middle(here)) < Math.abs(middle(a) - middle(here)) ? b : a);
      }
      return null;
    }

    // One tab stop a picture: the segment last visited, or the first if that is gone.
    tabStop(target = this.stop && shown(this.stop) ? this.stop : this.rows.flat()[0]) {
      this.stop?.setAttribute('tabindex', '-1');
      target?.setAttribute('tabindex', '0');
      this.stop = target;
    }

    focus(target) {
      this.tabStop(target);
      target.focus({preventScroll: true});
      this.reveal(target);
    }

    // Scroll no further than it takes; report.css says what covers the edges.
    reveal(target) {
      target.scrollIntoView({block: 'nearest', inline: 'nearest'});
    }

    // Drag to hear a stretch, click to hear from there to the end.
    selectable(lane) {
      lane.addEventListener('pointerdown', event => {
        if (event.button !== 0) return;
        const time = at => {
          const box = lane.getBoundingClientRect();
          return between((at.clientX - box.left) / box.width, 0, 1) * this.data.duration;
        };
        const from = time(event);
        const drag = at => {
          const [a, b] = [from, time(at)].sort((x, y) => x - y);
          this.over('band', a, b);
          this.readout.textContent = stretch(a, b);
          return [a, b];
        };
        const finish = at => {
          cancel();
          const [a, b] = drag(at);
          this.play(a, b - a < 0.02 ? this.data.duration : b);
        };
        const cancel = () => {  // the finger scrolls instead
          lane.removeEventListener('pointermove', drag);
          lane.removeEventListener('pointerup', finish);
          lane.removeEventListener('pointercancel', cancel);
        };
        lane.addEventListener('pointermove', drag);
        lane.addEventListener('pointerup', finish);
        lane.addEventListener('pointercancel', cancel);
        if (event.pointerType === 'mouse') lane.setPointerCapture(event.pointerId);
      });
    }

    // ---- how it lies on the page

    gutter() {
      return this.grid.querySelector('.name').offsetWidth;
    }

    setZoom(zoom) {
      const {scrollLeft, clientWidth, scrollWidth} = this.scroller;
      const middle = (scrollLeft + clientWidth / 2) / scrollWidth;
      const whole = this.scroller.clientWidth - this.gutter();
      this.zoom = between(zoom, Math.min(1, whole / (this.data.duration * PIXELS_PER_SECOND)), MAX_ZOOM);
      this.layout();
      this.scroller.scrollLeft = middle * this.scroller.scrollWidth - clientWidth / 2;
    }

    // The gutter is as wide as the longest name, but leaves the picture two thirds.
    fitGutter() {
      const names = [...this.grid.querySelectorAll('.row > .name')];
      const longest = Math.max(...names.map(name => widthOf(name.firstChild?.textContent || '', name) + 34));
      this.grid.style.removeProperty('--gutter');
      const width = Math.max(names[0].offsetWidth, Math.min(longest, this.scroller.clientWidth / 3));
      this.grid.style.setProperty('--gutter', `${Math.ceil(width)}px`);
    }

    layout() {
      this.laidOut = this.scroller.clientWidth;
      this.fitGutter();
      const gutter = this.gutter();
      const fits = this.scroller.clientWidth - gutter;
      const width = Math.round(Math.max(fits, Math.max(fits, this.data.duration * PIXELS_PER_SECOND) * this.zoom));
      if (width <= 0) return;
      this.grid.style.width = `${width + gutter}px`;
      this.drawRuler(width);
      this.placed.forEach(place => place(width));
      this.relabel(width);
    }

    drawRuler(width) {
      const duration = this.data.duration;
      const step = [0.05, 0.1, 0.2, 0.5, 1, 2, 5].find(seconds => seconds / duration * width >= 64) || 10;
      const ticks = [];
      for (let i = 0; i * step < duration; i += 1) {
        const tick = make('span', 'tick', (i * step).toFixed(step < 0.1 ? 2 : 1));
        tick.style.left = percent(i * step, duration);
        if (i * step / duration * width > width - 26) tick.classList.add('last');
        ticks.push(tick);
      }
      this.ruler.replaceChildren(...ticks);
    }

    drawWave(canvas, width) {
      const scale = Math.min(window.devicePixelRatio || 1, 8000 / width);
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(canvas.parentNode.clientHeight * scale);
      const samples = this.samples();
      const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1);
      const pen = canvas.getContext('2d');
      pen.fillStyle = getComputedStyle(canvas).color;
      const columns = canvas.width, middle = canvas.height / 2;
      for (let x = 0; x < columns; x += 1) {
        const begin = Math.floor(x * samples.length / columns);
        const end = Math.max(Math.floor((x + 1) * samples.length / columns), begin + 1);
        let low = 0, high = 0;
        for (let i = begin; i < end; i += 1) {
          low = Math.min(low, samples[i]);
          high = Math.max(high, samples[i]);
        }
        const top = middle * (1 - 0.95 * high / loudest), bottom = middle * (1 - 0.95 * low / loudest);
        pen.fillRect(x, top, 1, Math.max(bottom - top, scale));
      }
    }

    // Labels that would not fit are left out rather than cut; zooming in brings them back. All are measured before any
    // is
    // changed, and each text in a font only once: that is what takes long.
    relabel(width = this.grid.offsetWidth - this.gutter()) {
      const widths = new Map();
      for (const {label, symbol, isWord} of this.labelled) {
        if (!isWord && label.textContent !== spelled(symbol)) label.textContent = spelled(symbol);
      }
      const narrow = this.labelled.map(one => {
        const text = one.label.textContent, key = `${one.getAttribute('class').replace(' narrow', '')} ${text}`;
        if (!widths.has(key)) widths.set(key, widthOf(text, one.label));
        return (one.room ?? one.end - one.start) / this.data.duration * width < widths.get(key) + 3;
      });
      this.labelled.forEach((one, number) => one.classList.toggle('narrow', narrow[number]));
    }

    // Keep the playhead in sight when only a part of the utterance is.
    follow(now) {
      const gutter = this.gutter();
      const x = now / this.data.duration * (this.grid.offsetWidth - gutter);
      const seen = this.scroller.clientWidth - gutter;
      if (x < this.scroller.scrollLeft || x > this.scroller.scrollLeft + seen) this.scroller.scrollLeft = x - seen / 4;
    }
  }

  return Timeline;
})();
