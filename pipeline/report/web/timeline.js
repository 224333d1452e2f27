// A time axis with rows of buttons on it: ruler, sound and spectrogram; playing, pointing, and the keyboard.
'use strict';

phonoscope.Timeline = (() => {
  const {make, percent, between, stretch, spelled, player, spectrogram, Tiles, Track, Axis} = phonoscope;

  // What it draws is told of changes in two ways: `placed` are functions of the axis's width in pixels, called when it
  // changes; `tracks` and `pictures` are asked to `show` the stretch in view.
  class Timeline extends Axis {
    constructor(root, data) {
      super(root, data);
      this.rate = 1;
      this.time = null;
      this.selected = null;  // [from, to] in seconds: the stretch that is selected
      this.marks = {band: [], selection: [], cursor: [], head: []};
      this.readout = make('output', 'readout', 'Point at a segment to read it.');
      this.readout.setAttribute('aria-live', 'off');
      this.text = phonoscope.text(this);
      this.listen();
    }

    // Begin again with an empty picture: axis and sound, which stay in sight, the spectrogram, and what lies over all
    // rows.
    clear() {
      super.clear();
      this.rows = [];  // arrays of buttons in order of time, from top to bottom
      this.marks = {band: [], selection: [], cursor: [], head: []};
      this.stop = this.visited = null;
      const fixed = make('div', 'fixed');
      this.grid.replaceChildren(fixed, this.overlay());
      this.ruler = this.row('time in s', 'ruler', 'seconds', null, fixed);
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

    // Put the mark of a kind (band, selection, cursor, head) over all rows at these seconds; without any, take it away.
    over(kind, start = null, end = start) {
      this.text.mark(kind, start, end);
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

    // Of a row that would scroll away: it stays in sight above the others, with the name of its system where it has
    // none itself.
    keepInSight(lane, system = null) {
      const row = lane.closest('.row');
      row.classList.add('kept');
      row.append(this.overlay());
      if (system !== null) row.classList.add('owned');
    }

    // What lies along a lane: elements with `start` and `end`, which are in the document while they are in view.
    track(lane, items, options) {
      return new Track(this, lane, items, options);
    }

    wave(parent) {
      const lane = this.row('sound', 'wave', '', null, parent), {rate} = this.data, samples = this.samples();
      const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1);
      const scale = make('span', 'scale', `±${(loudest / 32768).toFixed(loudest < 3277 ? 3 : 2)}`);
      scale.title = 'the largest amplitude drawn; 1 is full scale';
      lane.previousSibling.append(scale);
      this.selectable(lane);
      new Tiles(this, lane, (canvas, from, to) => (
        spectrogram.drawWave(canvas, samples, from * rate, to * rate, loudest, getComputedStyle(lane).color)));
    }

    spectrogram() {
      const lane = this.row('', 'spectrogram', ''), ink = make('div', 'ink');
      ink.setAttribute('role', 'img');
      ink.setAttribute('aria-label', `Spectrogram of ${this.data.id}`);
      lane.append(ink);
      this.spectrum = this.spectrum || new spectrogram.Spectrum(this.samples(), this.data.rate);
      new Tiles(this, ink, (canvas, from, to) => this.spectrum.draw(canvas, from, to, getComputedStyle(lane).color));
      phonoscope.voice.draw(this, lane);
      const top = this.data.rate / 2000;
      const step = top > 5 ? 2 : 1;
      for (let kilohertz = step; kilohertz < top; kilohertz += step) {
        const mark = make('span', 'hertz', `${kilohertz} kHz`);
        mark.style.bottom = percent(kilohertz, top);
        lane.previousSibling.append(mark);
      }
      const grey = make('div', 'grey'), range = spectrogram.RANGE_DB;
      grey.title = `Black is the loudest point of the utterance, white ${range} dB below it and less.`;
      grey.append(make('span', '', '0 dB'), make('span', 'ramp'), make('span', '', `−${range}`));
      lane.previousSibling.append(grey);
      this.selectable(lane);
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
      return button;
    }

    // In IPA, or in the dictionary's symbols again.
    respell() {
      this.version += 1;
      this.grid.querySelectorAll('.posteriorgram').forEach(lane => lane.spell());
      this.show();
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
      const point = event => this.mark(this.pointed(event));
      this.grid.addEventListener('pointerover', point);
      this.grid.addEventListener('focusin', event => {
        point(event);
        const target = event.target.closest('[data-text]');
        if (target?.start !== undefined) this.at((target.start + target.end) / 2);
      });
      this.grid.addEventListener('pointermove', event => {
        if (event.target.track) point(event);
        this.at(this.timeOf(event), event);
      });
      this.grid.addEventListener('pointerleave', () => {
        this.mark(null);
        this.at(null);
      });
      this.grid.addEventListener('click', event => {
        const target = event.target.track ? this.pointed(event) : event.target.closest('button, [role=button]');
        if (target?.start === undefined) return;
        this.focus(target);
        const around = event.shiftKey ? 0.15 : 0;
        this.play(target.start - around, target.end + around);
      });
      this.grid.addEventListener('keydown', event => this.key(event));
    }

    // What can be read at the pointer, be it an element or painted.
    pointed(event) {
      return event.target.track instanceof Track && event.target.matches('canvas')
        ? event.target.track.at(this.timeOf(event)) : event.target.closest('[data-text]');
    }

    timeOf(event) {
      const time = this.timeAt(event.clientX), {from, to} = this.inView();
      return time < from || time > to ? null : time;
    }

    // The time a person looks at; null for none.
    at(time) {
      this.time = time;
      this.over('cursor', time);
    }

    mark(target) {
      this.over('band', target?.start, target?.end);
      if (target) this.readout.textContent = target.dataset.text + this.within(target.start);
    }

    // When that is in the recording that this is a piece of.
    within(time) {
      const {begin = 0} = this.data;
      return begin && time !== undefined ? `; ${(begin + time).toFixed(2)} s into the recording` : '';
    }

    key(event) {
      const here = event.target.closest('button, [role=button]');
      const number = this.rows.findIndex(row => row.includes(here));
      if (number < 0) return;
      if (here.tagName !== 'BUTTON' && ['Enter', ' '].includes(event.key)) {
        event.preventDefault();
        this.play(here.start, here.end);
      }
      const row = this.rows[number].filter(one => !one.hidden);
      const place = row.indexOf(here);
      const target = {
        ArrowLeft: () => row[place - 1],
        ArrowRight: () => row[place + 1],
        ArrowUp: () => this.nearest(here, number, -1),
        ArrowDown: () => this.nearest(here, number, 1),
        Home: () => row[0],
        End: () => row.at(-1),
      }[event.key];
      if (!target || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const found = this.rows[number].move?.(here, event.key) || target();
      if (found) this.focus(found);
      else this.reveal(here);
    }

    nearest(here, number, step) {
      const middle = button => (button.start + button.end) / 2;
      for (let i = number + step; this.rows[i]; i += step) {
        const row = (this.rows[i].enter?.(step) || this.rows[i]).filter(one => !one.hidden);
        if (row.length) return row.reduce((a, b) =>
          Math.abs(middle(b) - middle(here)) < Math.abs(middle(a) - middle(here)) ? b : a);
      }
      return null;
    }

    // One tab stop a picture: the segment last visited, or the first if that is gone. It is always in the document.
    tabStop(target = this.stop && !this.stop.hidden ? this.stop : this.rows.flat()[0]) {
      this.stop?.setAttribute('tabindex', '-1');
      target?.setAttribute('tabindex', '0');
      this.stop = target;
      if (target && !target.isConnected) this.put(target);
    }

    focus(target) {
      this.tabStop(target);
      this.visited = target;
      this.bring(target.start, target.end);
      target.focus({preventScroll: true});
      this.reveal(target);
      this.changed?.();
    }

    // Scroll no further than it takes; report.css says what covers the edges.
    reveal(target) {
      this.bring(target.start, target.end);
      target.scrollIntoView({block: 'nearest', inline: 'nearest'});
    }

    // The selected stretch; without times, none.
    select(from = null, to = from) {
      this.selected = from === null ? null : [from, to];
      this.over('selection', from, to);
      for (const mark of this.marks.selection) mark.dataset.long = `${(1000 * (to - from)).toFixed(0)} ms`;
      if (from !== null) this.readout.textContent = `selected: ${stretch(from, to)}`;
      this.changed?.();
    }

    // Drag to select and hear a stretch, click to hear from there to the end. Elsewhere a drag selects with Shift.
    selectable(lane) {
      lane.classList.add('selectable');
    }

    // From a pointer that is down until it is up.
    selecting(event) {
      const time = at => between(this.timeAt(at.clientX), 0, this.data.duration), from = time(event);
      const ends = at => [from, time(at)].sort((x, y) => x - y);
      return {
        move: at => this.select(...ends(at)),
        end: (at, moved) => {
          const [a, b] = ends(at);
          if (moved) this.select(a, b);
          else this.select();
          this.play(a, moved ? b : this.data.duration);
        },
      };
    }
  }

  return Timeline;
})();
