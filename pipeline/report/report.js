// Draws the utterances of a phonoscope report and plays them. Plain JavaScript, no library, no network.
'use strict';

const phonoscope = (() => {
  const IPA = JSON.parse(document.getElementById('ipa').textContent);
  const PIXELS_PER_SECOND = 300;  // below this phones get too narrow to read, so a long utterance scrolls
  const SILENT = ['SIL', '<blk>'];
  const MAX_ZOOM = 16;
  const LANE = 17;                // height of one lane of a lattice in pixels

  const make = (tag, className = '', text = '') => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  };
  const percent = (part, whole) => `${(100 * part / whole).toFixed(4)}%`;
  const inIpa = () => document.documentElement.classList.contains('ipa');
  const spelled = symbol => (inIpa() && IPA[symbol]) || (SILENT.includes(symbol) ? '·' : symbol);

  // Width of a label in pixels; `sample` is an element in its font.
  const pen = document.createElement('canvas').getContext('2d');
  const widthOf = (text, sample) => {
    const {fontWeight, fontSize, fontFamily} = getComputedStyle(sample);
    pen.font = `${fontWeight} ${fontSize} ${fontFamily}`;
    return pen.measureText(text).width;
  };

  // ---- sound: one utterance plays at a time

  const player = {
    context: null, source: null, stopped: () => {},

    play(view, from, to, rate) {
      this.stop();
      this.context = this.context || new AudioContext();
      this.context.resume();
      const source = this.context.createBufferSource();
      source.buffer = view.buffer = view.buffer || decode(this.context, view.data);
      source.playbackRate.value = rate;
      source.connect(this.context.destination);
      const begun = this.context.currentTime;
      source.start(0, from, to - from);
      this.source = source;
      view.root.dataset.playing = `${from.toFixed(3)} ${to.toFixed(3)}`;
      view.head.hidden = false;
      const draw = () => {
        if (this.source !== source) return;
        const now = Math.min(from + (this.context.currentTime - begun) * rate, to);
        view.head.style.left = percent(now, view.data.duration);
        view.follow(now);
        requestAnimationFrame(draw);
      };
      this.stopped = () => {
        delete view.root.dataset.playing;
        view.head.hidden = true;
      };
      source.onended = () => { if (this.source === source) this.stop(); };
      draw();
    },

    stop() {
      const source = this.source;
      this.source = null;
      if (source) {
        source.stop();
        this.stopped();
      }
    },
  };

  function samplesOf(data) {
    const bytes = Uint8Array.from(atob(data.pcm), character => character.charCodeAt(0));
    return new Int16Array(bytes.buffer);
  }

  function decode(context, data) {
    const samples = samplesOf(data);
    const buffer = context.createBuffer(1, samples.length, data.rate);
    buffer.getChannelData(0).set(Float32Array.from(samples, sample => sample / 32768));
    return buffer;
  }

  // ---- one utterance

  class View {
    constructor(root, data) {
      this.root = root;
      this.data = data;
      this.zoom = 1;
      this.rate = 1;
      this.lanes = [];  // arrays of buttons in order of time, from top to bottom
      const place = root.querySelector('.view');
      place.replaceChildren(this.toolbar(), this.timeline(), this.readout = make('output', 'readout', 'Point at a segment to read it.'));
      this.readout.setAttribute('aria-live', 'off');
      this.lanes.flat()[0]?.setAttribute('tabindex', '0');
      this.showLattices(root.dataset.lattices === 'open');
      new ResizeObserver(() => this.layout()).observe(this.scroller);
      this.layout();
    }

    toolbar() {
      const bar = make('div', 'toolbar');
      bar.setAttribute('role', 'group');
      bar.setAttribute('aria-label', `Controls of ${this.data.id}`);
      const button = (label, name, action) => {
        const element = make('button', 'control', label);
        element.type = 'button';
        element.setAttribute('aria-label', name);
        element.addEventListener('click', () => action(element));
        bar.append(element);
        return element;
      };
      button('▶ play', 'Play the whole utterance', () => this.play(0, this.data.duration));
      button('■', 'Stop', () => player.stop());
      button('½ speed', 'Half speed', element => {
        this.rate = this.rate === 1 ? 0.5 : 1;
        element.setAttribute('aria-pressed', String(this.rate !== 1));
      }).setAttribute('aria-pressed', 'false');
      button('−', 'Zoom out', () => this.setZoom(this.zoom / 1.5));
      button('+', 'Zoom in', () => this.setZoom(this.zoom * 1.5));
      this.latticeSwitch = button('lattices', 'Show lattices', () => this.showLattices(!this.latticesShown));
      const label = make('label', 'prune');
      const slider = make('input');
      Object.assign(slider, {type: 'range', min: '-2', max: '0', step: '0.1', value: '-2'});
      const shown = make('span', 'prune-value', '1 %');
      slider.setAttribute('aria-label', 'Hide lattice arcs whose posterior is below');
      slider.addEventListener('input', () => {
        this.floor = 10 ** Number(slider.value);
        shown.textContent = `${(100 * this.floor).toFixed(0)} %`;
        slider.setAttribute('aria-valuetext', shown.textContent);
        this.prune();
      });
      this.floor = 0.01;
      label.append(make('span', '', 'hide arcs below'), slider, shown);
      bar.append(this.pruner = label);
      return bar;
    }

    timeline() {
      this.scroller = make('div', 'scroller');
      this.grid = make('div', 'timeline');
      this.ruler = this.row('time', 'ruler', 'seconds');
      this.grid.append(this.ruler.parentNode, this.wave(), this.spectrogram());
      const {reference, systems} = this.data;
      this.segments('reference', 'words', reference.words, 'reference words', 'words reference', true);
      this.segments('phones', 'phones', reference.phones, 'reference phones', 'phones', true);
      systems.forEach((system, number) => this.system(system, number));
      const over = make('div', 'over');
      over.append(this.band = make('div', 'band'), this.head = make('div', 'head'));
      this.band.hidden = this.head.hidden = true;
      this.grid.append(over);
      this.scroller.append(this.grid);
      this.listen();
      return this.scroller;
    }

    // A row: its name in the gutter, which stays while the rest scrolls, and a lane on the time axis.
    row(name, className, label) {
      const row = make('div', `row ${className.split(' ').map(part => `${part}-row`).join(' ')}`);
      const lane = make('div', `lane ${className}`);
      row.append(make('div', 'name', name), lane);
      if (label) {
        lane.setAttribute('role', 'group');
        lane.setAttribute('aria-label', label);
      }
      this.grid.append(row);
      return lane;
    }

    wave() {
      const lane = this.row('sound', 'wave', '');
      this.canvas = make('canvas');
      this.canvas.setAttribute('aria-hidden', 'true');
      lane.append(this.canvas);
      this.selectable(lane);
      return lane.parentNode;
    }

    spectrogram() {
      const lane = this.row('', 'spectrogram', '');
      const ink = make('div', 'ink');
      const image = `url(data:image/png;base64,${this.data.spectrogram})`;
      ink.style.maskImage = ink.style.webkitMaskImage = image;
      ink.setAttribute('role', 'img');
      ink.setAttribute('aria-label', `Spectrogram of ${this.data.id}`);
      lane.append(ink);
      const top = this.data.rate / 2000;
      const name = lane.previousSibling;
      const step = top > 5 ? 2 : 1;
      for (let kilohertz = step; kilohertz < top; kilohertz += step) {
        const mark = make('span', 'hertz', `${kilohertz} kHz`);
        mark.style.bottom = percent(kilohertz, top);
        name.append(mark);
      }
      this.selectable(lane);
      return lane.parentNode;
    }

    system(system, number) {
      const color = `var(--s${number % 8})`;
      const first = this.grid.children.length;
      this.segments(system.name, 'words', system.words, `${system.name} words`, 'words first');
      this.segments('word path', 'phones', system.phones, `${system.name} phones of the word path`, 'phones');
      this.segments('free', 'phones', system.free, `${system.name} free phones`, 'phones');
      this.lattice(system);
      [...this.grid.children].slice(first).forEach(row => row.style.setProperty('--system', color));
    }

    segments(name, kind, row, label, className, isReference = false) {
      const lane = this.row(name, className, label);
      const buttons = row.segments.map(([start, end, symbol, verdict]) => {
        const state = SILENT.includes(symbol) ? 'silence' : isReference ? 'plain' : verdict === '' ? 'right' : verdict === '+' ? 'added' : 'wrong';
        const button = this.segment(start, end, symbol, kind === 'words', `segment ${state}`);
        const instead = verdict === '+' ? ', not in the reference' : verdict ? `, reference ${verdict}` : '';
        this.describe(button, `${label}: ${symbol}, ${start.toFixed(2)} to ${end.toFixed(2)} s (${((end - start) * 1000).toFixed(0)} ms)${instead}`);
        lane.append(button);
        return button;
      });
      for (const [time, symbol] of isReference ? [] : row.missing) {
        const gap = make('span', 'gap');
        gap.style.left = percent(time, this.data.duration);
        gap.setAttribute('role', 'img');
        this.describe(gap, `${label}: ${symbol} missed at ${time.toFixed(2)} s`);
        lane.append(gap);
      }
      this.lanes.push(buttons);
    }

    lattice(system) {
      const lane = this.row('lattice', 'lattice', `${system.name} lattice of free phones`);
      lane.bars = system.lattice.map(([start, end, symbol, posterior, number, description]) => {
        const bar = this.segment(start, end, symbol, false, number === 0 ? 'bar best' : 'bar');
        bar.style.top = `${number * LANE}px`;
        bar.style.setProperty('--thick', `${Math.max(1.5, posterior * (LANE - 3)).toFixed(1)}px`);
        bar.classList.toggle('thin', posterior < 0.6);
        bar.posterior = posterior;
        bar.lane = number;
        this.describe(bar, `${system.name} lattice: ${description}`);
        lane.append(bar);
        return bar;
      });
      this.lanes.push(lane.bars);
      this.lattices = [...(this.lattices || []), lane];
    }

    segment(start, end, symbol, isWord, className) {
      const button = make('button', className);
      button.type = 'button';
      button.tabIndex = -1;
      button.style.left = percent(start, this.data.duration);
      button.style.width = percent(end - start, this.data.duration);
      Object.assign(button, {start, end, symbol, isWord});
      button.append(make('span', 'label', isWord ? symbol : spelled(symbol)));
      return button;
    }

    describe(element, text) {
      element.setAttribute('aria-label', text);
      element.dataset.text = text;
    }

    // ---- what a person does

    listen() {
      const point = event => {
        const target = event.target.closest('[data-text]');
        this.mark(target);
      };
      this.grid.addEventListener('pointerover', point);
      this.grid.addEventListener('focusin', point);
      this.grid.addEventListener('pointerleave', () => this.mark(null));
      this.grid.addEventListener('click', event => {
        const target = event.target.closest('button');
        if (!target) return;
        this.focus(target);
        const around = event.shiftKey ? 0.15 : 0;
        this.play(target.start - around, target.end + around);
      });
      this.grid.addEventListener('keydown', event => this.key(event));
    }

    mark(target) {
      this.band.hidden = !target || target.start === undefined;
      if (!target) return;
      this.readout.textContent = target.dataset.text;
      if (this.band.hidden) return;
      this.band.style.left = target.style.left;
      this.band.style.width = target.style.width;
    }

    key(event) {
      const here = event.target.closest('button');
      const number = this.lanes.findIndex(lane => lane.includes(here));
      if (number < 0) return;
      const lane = this.lanes[number].filter(button => !button.hidden);
      const place = lane.indexOf(here);
      const target = {
        ArrowLeft: () => lane[place - 1],
        ArrowRight: () => lane[place + 1],
        ArrowUp: () => this.nearest(here, number, -1),
        ArrowDown: () => this.nearest(here, number, 1),
        Home: () => lane[0],
        End: () => lane.at(-1),
      }[event.key];
      if (!target) return;
      event.preventDefault();
      if (target()) this.focus(target());
    }

    nearest(here, number, step) {
      const middle = button => (button.start + button.end) / 2;
      for (let i = number + step; this.lanes[i]; i += step) {
        const shown = this.lanes[i].filter(button => button.offsetParent);
        if (shown.length) return shown.reduce((a, b) => Math.abs(middle(b) - middle(here)) < Math.abs(middle(a) - middle(here)) ? b : a);
      }
      return null;
    }

    // One tab stop a picture: the segment last visited.
    focus(target) {
      this.lanes.flat().forEach(button => { button.tabIndex = -1; });
      target.tabIndex = 0;
      target.focus({preventScroll: true});
      const gutter = this.grid.querySelector('.name').offsetWidth;
      const left = target.offsetLeft, right = left + target.offsetWidth;
      if (left < this.scroller.scrollLeft) this.scroller.scrollLeft = left - 20;
      if (right + gutter > this.scroller.scrollLeft + this.scroller.clientWidth) {
        this.scroller.scrollLeft = right + gutter - this.scroller.clientWidth + 20;
      }
    }

    play(from, to) {
      player.play(this, Math.max(from, 0), Math.min(to, this.data.duration), this.rate);
    }

    // Drag to hear a stretch, click to hear from there to the end.
    selectable(lane) {
      lane.addEventListener('pointerdown', event => {
        if (event.button !== 0) return;
        const time = at => {
          const box = lane.getBoundingClientRect();
          return Math.min(Math.max((at.clientX - box.left) / box.width, 0), 1) * this.data.duration;
        };
        const from = time(event);
        const drag = at => {
          const [a, b] = [from, time(at)].sort((x, y) => x - y);
          this.band.hidden = false;
          this.band.style.left = percent(a, this.data.duration);
          this.band.style.width = percent(b - a, this.data.duration);
          this.readout.textContent = `${a.toFixed(2)} to ${b.toFixed(2)} s (${((b - a) * 1000).toFixed(0)} ms)`;
          return [a, b];
        };
        const finish = at => {
          lane.removeEventListener('pointermove', drag);
          lane.removeEventListener('pointerup', finish);
          lane.removeEventListener('pointercancel', cancel);
          const [a, b] = drag(at);
          this.play(a, b - a < 0.02 ? this.data.duration : b);
        };
        const cancel = () => {  // the finger scrolls instead
          lane.removeEventListener('pointermove', drag);
          lane.removeEventListener('pointerup', finish);
        };
        lane.addEventListener('pointermove', drag);
        lane.addEventListener('pointerup', finish);
        lane.addEventListener('pointercancel', cancel, {once: true});
        if (event.pointerType === 'mouse') lane.setPointerCapture(event.pointerId);
      });
    }

    // ---- how it lies on the page

    setZoom(zoom) {
      const {scrollLeft, clientWidth, scrollWidth} = this.scroller;
      const middle = (scrollLeft + clientWidth / 2) / scrollWidth;
      this.zoom = Math.min(Math.max(zoom, 1), MAX_ZOOM);
      this.layout();
      this.scroller.scrollLeft = middle * this.scroller.scrollWidth - clientWidth / 2;
    }

    // The gutter is as wide as the longest name, but leaves the picture two thirds.
    fitGutter() {
      const names = [...this.grid.querySelectorAll('.row:not(.spectrogram-row) > .name')];
      const longest = Math.max(...names.map(name => widthOf(name.textContent, name) + 34));
      this.grid.style.removeProperty('--gutter');
      const width = Math.max(names[0].offsetWidth, Math.min(longest, this.scroller.clientWidth / 3));
      this.grid.style.setProperty('--gutter', `${Math.ceil(width)}px`);
    }

    layout() {
      this.fitGutter();
      const gutter = this.grid.querySelector('.name').offsetWidth;
      const fits = this.scroller.clientWidth - gutter;
      const width = Math.round(Math.max(fits, this.data.duration * PIXELS_PER_SECOND) * this.zoom);
      if (width <= 0) return;
      this.grid.style.width = `${width + gutter}px`;
      this.drawRuler(width);
      this.drawWave(width);
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

    drawWave(width) {
      const height = this.canvas.parentNode.clientHeight;
      const scale = Math.min(window.devicePixelRatio || 1, 8000 / width);
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
      const samples = this.samples = this.samples || samplesOf(this.data);
      const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1);
      const pen = this.canvas.getContext('2d');
      pen.fillStyle = getComputedStyle(this.canvas).color;
      const columns = this.canvas.width, middle = this.canvas.height / 2;
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

    // Labels that would not fit are left out rather than cut; zooming in brings them back.
    relabel(width = this.grid.offsetWidth - this.grid.querySelector('.name').offsetWidth) {
      const widths = new Map();  // measuring is slow, and labels repeat
      for (const button of this.lanes.flat()) {
        const label = button.firstChild;
        if (!button.isWord) label.textContent = spelled(button.symbol);
        const key = `${button.className.replace(' narrow', '')} ${button.isWord} ${label.textContent}`;
        if (!widths.has(key)) widths.set(key, widthOf(label.textContent, label));
        const room = (button.end - button.start) / this.data.duration * width;
        button.classList.toggle('narrow', room < widths.get(key) + 3);
      }
    }

    showLattices(shown) {
      this.latticesShown = shown;
      this.latticeSwitch.setAttribute('aria-pressed', String(shown));
      this.pruner.hidden = !shown;
      this.lattices.forEach(lane => { lane.parentNode.hidden = !shown; });
      this.prune();
    }

    prune() {
      for (const lane of this.lattices) {
        let lanes = 1;
        for (const bar of lane.bars) {
          bar.hidden = bar.lane > 0 && bar.posterior < this.floor;
          if (!bar.hidden) lanes = Math.max(lanes, bar.lane + 1);
        }
        lane.style.height = `${lanes * LANE + 3}px`;
      }
    }

    // Keep the playhead in sight when only a part of the utterance is.
    follow(now) {
      const gutter = this.grid.querySelector('.name').offsetWidth;
      const x = now / this.data.duration * (this.grid.offsetWidth - gutter);
      const seen = this.scroller.clientWidth - gutter;
      if (x < this.scroller.scrollLeft || x > this.scroller.scrollLeft + seen) this.scroller.scrollLeft = x - seen / 4;
    }
  }

  // ---- the page

  const views = [];

  function receive(data) {
    views.push(new View(document.currentScript.article, data));
  }

  function load(article) {
    const script = make('script');
    script.src = article.dataset.panel;
    script.article = article;
    script.onerror = () => {
      article.querySelector('.view').textContent = `${article.dataset.panel} is missing: the report's folder is not complete.`;
    };
    document.head.append(script);
  }

  function begin() {
    const seen = new IntersectionObserver(entries => entries.filter(entry => entry.isIntersecting).forEach(entry => {
      seen.unobserve(entry.target);
      load(entry.target);
    }), {rootMargin: '800px'});
    document.querySelectorAll('.panel').forEach(article => seen.observe(article));

    document.querySelector('.ipa-switch').addEventListener('change', event => {
      document.documentElement.classList.toggle('ipa', event.target.checked);
      views.forEach(view => view.relabel());
      document.querySelectorAll('[data-ipa]').forEach(label => {
        const text = label.textContent;
        label.textContent = label.dataset.ipa;
        label.dataset.ipa = text;
      });
    });
    document.addEventListener('keydown', event => { if (event.key === 'Escape') player.stop(); });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => views.forEach(view => view.layout()));
    document.querySelectorAll('.confusion').forEach(figure => {
      figure.addEventListener('pointerover', event => {
        const title = event.target.closest('rect')?.querySelector('title');
        if (title) figure.querySelector('.readout').textContent = title.textContent;
      });
    });
  }

  document.addEventListener('DOMContentLoaded', begin);
  return {receive};
})();
