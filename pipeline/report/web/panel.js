// One utterance: the controls, what was said, and what the systems heard, two of them face to face.
'use strict';

phonoscope.Panel = (() => {
  const {make, rows, maps, lattice, load, toolbar, address, remembered, remember, Timeline, named} = phonoscope;
  const APART_MS = 20;
  // Of each part of the picture: what its marks measure, and a scale of it.
  const UNITS = {
    words: ['a box lasts as long as its word or phone, in s'],
    free: ['a box lasts as long as its phone, in s'],
    lattices: ['thickness: posterior', lattice.thickness],
    difference: ['thickness: posterior mass', lattice.thickness],
    placed: ['length of the bar below a phone: confidence, 0 to 1'],
    posteriors: ['darkness: probability, as its square root; height of a spike: probability', maps.darkness],
  };
  const LATTICE = 'A lattice holds every reading of the sound that the search had not given up when it ended: each way '
    + 'along its lines, from left to right, is one. A line is as thick as its posterior, the share of the readings, '
    + 'weighed by their scores, that go along it; the straight line is the best reading, dots are silence or blank.';
  const FEW = 4;  // in the index, what so many systems heard is shown from the beginning

  class Panel extends Timeline {
    constructor(root, data) {
      super(root, data);
      // A page of an utterance's own remembers what a reader chose; in the index the picture is small, and stays so.
      this.alone = root.dataset.alone !== undefined;
      this.folded = new Set(this.kept('folded', (root.dataset.folded || '').split(' ')));
      this.all = this.kept('all', !this.alone && data.systems.length <= FEW);
      const {pair, lattices} = this.alone ? address.read() : {};
      this.graph = Object.hasOwn(lattice.SEARCHES, lattices) ? lattices : this.kept('graph', 'free');
      this.compared = this.chosen(pair ? pair.split(',') : this.kept('compared', []));
      this.floor = 0.02;
      this.parts = {};    // what is loaded, by name
      this.probe = make('output', 'probe');
      this.probe.setAttribute('aria-live', 'off');
      this.foot = make('div', 'foot');
      this.foot.append(this.readout, this.probe);
      this.toolbar = toolbar(this);
      root.querySelector('.as-text').addEventListener('toggle', () => this.writeText());
    }

    kept(name, fallback) {
      return this.alone ? remembered(name, fallback) : fallback;
    }

    keep(name, value) {
      if (this.alone) remember(name, value);
    }

    // Which two systems, by number, stand face to face at first: those of these names, else those the page is about.
    chosen(names) {
      const numbers = names.map(name => this.data.systems.findIndex(system => system.name === name));
      return numbers.length === 2 && numbers.every(number => number >= 0) ? numbers : [...this.data.compared];
    }

    // Put a system on one of the two sides. If it stands on the other, they change places.
    compare(side, number) {
      if (number === this.compared[1 - side]) this.compared[1 - side] = this.compared[side];
      this.compared[side] = number;
      this.keep('compared', this.compared.map(one => this.data.systems[one].name));
      this.draw();
    }

    // ---- what is loaded

    // The parts of the data that the picture needs now, as pipeline/report/panel.py names them.
    needed() {
      const {systems, models} = this.data, stand = this.compared.map(number => this.standsFor(number));
      const seen = new Set(this.all ? systems.keys() : this.compared);
      const owners = new Set([...seen].map(number => systems[number].model).filter(model => models[model]));
      stand.filter(number => number >= 0).forEach(number => seen.add(number));
      const pairs = [this.compared, stand].filter(([a, b]) => a !== b && Math.min(a, b) >= 0);
      return [
        ...[...seen].map(number => `system-${number}`),
        ...[...owners].map(model => `model-${model}`),
        ...new Set(pairs.map(([a, b]) => `pair-${Math.min(a, b)}-${Math.max(a, b)}`)),
      ];
    }

    async fetch(name) {
      const data = await load(`${this.root.dataset.panel}${name}.js`), [kind, number] = name.split('-');
      if (this.parts[name]) return;
      this.parts[name] = data;
      if (kind === 'system') Object.assign(this.data.systems[number], data);
      if (kind === 'model') {
        this.data.models[number] = maps.withMaps(data, map => this.mapped(map));
      }
    }

    // A frame map can be drawn now, and read.
    mapped({map: {tiles}}) {
      if (tiles) tiles.version = -1;
      this.show();
      this.at(this.time);
    }

    // Draw what is chosen as soon as it is there, at once where nothing has to be loaded. The last choice counts.
    async draw() {
      const missing = this.needed().filter(name => !this.parts[name]), turn = this.turn = (this.turn || 0) + 1;
      if (missing.length) {
        this.root.setAttribute('aria-busy', 'true');
        await Promise.all(missing.map(name => this.fetch(name))).catch(error => {
          if (!this.grid.childElementCount) throw error;
          this.readout.textContent = error.message;
          missing.failed = true;
        });
        if (turn !== this.turn) return;
        this.root.removeAttribute('aria-busy');
        if (missing.failed) return;
      }
      this.paint();
      this.writeText();
    }

    // The systems in sight as text, once a reader asks for it.
    async writeText() {
      const details = this.root.querySelector('.as-text'), seen = this.all ? this.data.systems.keys() : this.compared;
      if (!details.open) return;
      const pre = details.querySelector('pre'), {turn} = this;
      try {
        const texts = [...new Set(seen)].map(number => load(`${this.root.dataset.panel}text-${number}.js`));
        const found = await Promise.all(texts);
        if (turn === this.turn) pre.textContent = found.join('\n');
      } catch (error) {
        pre.textContent = error.message;
      }
    }

    prune() {
      this.nets.forEach(net => {
        net.prune(this.floor);
        net.tracks.forEach(track => track.hold());
      });
      this.tabStop();
      if (!this.width) return;
      this.measure();
      this.show();
    }

    // ---- the picture

    paint() {
      if (!this.scroller.isConnected) {
        this.root.querySelector('.view').replaceChildren(this.toolbar, this.overview.element, this.scroller, this.foot);
      }
      const {scrollLeft, scrollTop} = this.scroller;
      this.clear();
      this.nets = [];
      this.texts();
      this.reference();
      if (this.data.heard !== false) {
        this.part('words', 'heard with a lexicon and a language model', () => this.heard());
        this.part('free', 'heard without words', () => this.each(number => this.free(number)));
        this.lattices();
      }
      if (this.data.systems.some(system => system.places)) {
        this.part('placed', 'where each places the known text', () => this.known());
      }
      if (this.data.models.some(Boolean)) {
        this.part('posteriors', 'posteriors, frame by frame', () => this.posteriors());
      }
      this.controls.hidden = !this.nets.length && ['lattices', 'difference'].every(part => this.folded.has(part));
      this.prune();
      this.layout();
      Object.assign(this.scroller, {scrollLeft, scrollTop});
    }

    // A part of the picture under a heading that folds it away; `note`: what else is to be said of it.
    part(name, title, draw, note = '') {
      const open = !this.folded.has(name);
      const heading = make('div', 'heading'), label = make('span'), button = make('button', 'fold', title);
      Object.assign(button, {type: 'button'}).setAttribute('aria-expanded', String(open));
      button.addEventListener('click', () => {
        this.folded[open ? 'add' : 'delete'](name);
        this.keep('folded', [...this.folded]);
        this.draw();
        this.grid.querySelector(`[data-part=${name}] button`).focus({preventScroll: true});
      });
      heading.dataset.part = name;
      label.setAttribute('role', 'heading');
      label.setAttribute('aria-level', this.alone ? '3' : '4');
      label.append(button);
      heading.append(label);
      this.grid.append(heading);
      if (!open) return;
      const [unit, scale] = UNITS[name];
      heading.append(make('span', 'unit', unit), ...(scale ? [scale()] : []));
      if (note) this.grid.append(make('div', 'note', note));
      draw();
    }

    // Each of the two, and then the others if they are wanted.
    each(action) {
      new Set(this.compared).forEach(action);
      this.others(action);
    }

    others(action) {
      if (this.all) this.data.systems.forEach((_, number) => this.compared.includes(number) || action(number));
    }

    // A text of one's own, as systems place it.
    texts() {
      const {texts = []} = this.data;
      for (const {name, system, words, phones} of texts) {
        const label = `the text by ${name}`, shortly = texts.length > 1 ? `text, ${name}` : 'text';
        rows.placed(this, {name: shortly, row: words, label, className: 'words reference', system, isWord: true});
        rows.placed(this, {name: 'phones', row: phones, label, className: 'phones', system});
      }
    }

    // What was said, if it is known.
    reference() {
      if (!this.data.reference) return;
      const {words, phones, with_gold} = this.data.reference;
      this.keepInSight(rows.segments(this, {name: with_gold ? 'gold' : 'reference', row: words, isWord: true,
        label: 'reference words', className: 'words reference', isReference: true}));
      this.keepInSight(rows.segments(this, {name: 'phones', row: phones, label: 'reference phones',
        className: 'phones', isReference: true}));
    }

    heard() {
      const [first, second] = this.compared;
      this.words(first);
      this.apart('words');
      if (second !== first) this.words(second, true);
      this.others(number => this.words(number));
    }

    words(number, mirrored = false) {
      const {name, words, phones, why} = this.data.systems[number];
      const lanes = [
        {name, row: words, label: `${name} words`, className: 'words owner', system: number, why: why.words,
          isWord: true},
        {name: 'phones', row: phones, label: `${name} phones of the word path`, className: 'phones', system: number},
      ];
      for (const one of mirrored ? lanes.reverse() : lanes) {
        const lane = rows.segments(this, one);
        if (!one.isWord && this.graph === 'words' && this.compared.includes(number)) this.keepInSight(lane, number);
      }
    }

    free(number) {
      const {name, free, why} = this.data.systems[number];
      const lane = rows.segments(this, {name, row: free, label: `${name} free phones`, className: 'phones owner',
        system: number, why: why.free});
      if (this.graph === 'free' && this.compared.includes(number)) this.keepInSight(lane);
    }

    // Two systems of one model, side by side, have the same.
    posteriors() {
      const {systems, models, hmm, reference, texts = []} = this.data, drawn = new Set();
      const known = reference?.phones.segments ?? texts[0]?.phones ?? [];
      this.each(number => {
        const {name, model: own} = systems[number], model = models[own];
        if (!model || drawn.has(own)) return;
        drawn.add(own);
        if (model.spikes.length) {
          rows.spikes(this, {name, model, segments: hmm.segments, owner: hmm.name, system: number});
        }
        maps.posteriorgram(this, {name, model, reference: known, system: number});
        if (model.attention) maps.attention(this, {name, map: model.attention, system: number});
      });
    }

    // The known text as the two, and the others, place it.
    known() {
      const drawn = new Set();
      const place = number => {
        for (const {name, row} of this.data.systems[number].placed || []) {
          if (drawn.has(name)) continue;
          drawn.add(name);
          rows.placed(this, {name, row, label: `the known text by ${name}`, className: 'phones owner', system: number});
        }
      };
      const [first, second] = this.compared;
      place(first);
      this.apart('known');
      if (second !== first) place(second);
      this.others(place);
    }

    // What is said of two systems: [that, whether it has them the other way round].
    pair(a, b) {
      return [this.parts[`pair-${Math.min(a, b)}-${Math.max(a, b)}`], a > b];
    }

    apart(kind) {
      const [pair, turned] = this.pair(...this.compared);
      if (!pair?.[kind]) return;
      const [first, second] = this.compared.map(number => this.data.systems[number].name);
      rows.apart(this, {first, second, limit: APART_MS,
        borders: pair[kind].map(([phone, a, b]) => (turned ? [phone, b, a] : [phone, a, b]))});
    }

    // ---- lattices

    // The system whose lattice of the chosen search is drawn for another: itself, else one that searches with the same
    // model.
    standsFor(number) {
      const {systems} = this.data;
      const has = ({model, graphs}) => model === systems[number].model && graphs.includes(this.graph);
      return has(systems[number]) ? number : systems.findIndex(has);
    }

    lattices() {
      const stand = this.compared.map(number => this.standsFor(number)), [first, second] = stand;
      const notes = this.compared.map((number, side) => this.missing(number, stand[side])).filter(Boolean);
      this.part('lattices', `what each considered: ${lattice.SEARCHES[this.graph]}`, () => this.drawLattices(stand),
        [...new Set(notes)].join('; '));
      if (first !== second && Math.min(first, second) >= 0) {
        this.part('difference', 'what only one of them considered', () => this.difference(first, second));
      }
    }

    missing(number, stand) {
      const name = this.data.systems[number].name;
      if (stand === number) return '';
      const none = `${name} has no lattice of this search`;
      if (stand < 0) return none;
      const other = this.data.systems[stand].name;
      return `${none}; in its place stands that of ${other}, which searches with the same model`;
    }

    drawLattices(stand) {
      const what = make('details', 'explanation');
      what.append(make('summary', '', 'what is a lattice?'), make('p', '', LATTICE));
      what.addEventListener('toggle', () => {
        this.measure();
        this.show();
      });
      this.grid.append(what);
      [...new Set(stand)].filter(number => number >= 0).forEach((number, side) => {
        const {name, lattices} = this.data.systems[number];
        this.nets.push(new lattice.Net(this,
          {name, kind: `lattice of ${lattice.SEARCHES[this.graph]}`, drawing: lattices[this.graph],
          upwards: side === 0, system: number}));
      });
    }

    difference(first, second) {
      const [{difference}, turned] = this.pair(first, second);
      const bars = difference[this.graph].map(([start, end, symbol, a, b]) =>
        [start, end, symbol, ...(turned ? [b, a] : [a, b])]);
      const names = [first, second].map(number => this.data.systems[number].name);
      this.nets.push(new lattice.Difference(this, {first: names[0], second: names[1], bars, systems: [first, second]}));
    }

    // As high as the window has room for, so that the axis on top and the scroll bar below stay in sight.
    layout() {
      const above = this.scroller.getBoundingClientRect().top + scrollY;
      this.scroller.style.setProperty('--around', `${Math.ceil(above + this.foot.offsetHeight)}px`);
      super.layout();
    }

    // ---- reading

    // Something else is looked at: the address says so, once there is a picture.
    changed() {
      if (this.alone && this.address !== undefined) address.keep(this);
    }

    at(time, event = null) {
      super.at(time);
      if (time === null) return;
      const read = event?.target.closest('.posteriorgram')?.read(time, event.clientY);
      if (read) this.readout.textContent = read;
      const parts = [...new Set(this.compared)].map(number => {
        const system = this.data.systems[number], {map} = this.data.models[system.model];
        const likeliest = map ? map.likeliest(time).map(([phone, probability]) => (
          `${named(phone)} ${probability.toFixed(2)}`)) : [];
        return likeliest.length ? `${system.name} ${likeliest.join('  ')}` : '';
      });
      this.probe.textContent = parts.some(Boolean) ? `${time.toFixed(2)} s   ${parts.join('   |   ')}` : '';
    }
  }

  return Panel;
})();
