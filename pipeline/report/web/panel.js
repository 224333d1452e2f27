// One utterance: the controls, what was said, and what the systems heard, two of them face to face.
'use strict';

phonoscope.Panel = (() => {
  const {make, rows, lattice, remembered, remember, Timeline, named} = phonoscope;
  const APART_MS = 20;
  const LATTICES = {free: 'phones only', words: 'words + language model'};  // what the search knew whose lattice is drawn

  class Panel extends Timeline {
    constructor(root, data) {
      super(root, data);
      // A page of an utterance's own remembers what a reader chose; in the index the picture is small, and stays so.
      this.alone = root.dataset.alone !== undefined;
      this.folded = new Set(this.kept('folded', (root.dataset.folded || '').split(' ')));
      this.all = this.kept('all', !this.alone);
      this.graph = this.kept('graph', 'free');
      this.compared = this.chosen(this.kept('compared', []));
      this.floor = 0.02;
      this.readers = data.models.map(model => model && rows.reader(model, () => this.at(this.time)));
      this.probe = make('output', 'probe');
      this.probe.setAttribute('aria-live', 'off');
      this.foot = make('div', 'foot');
      this.foot.append(this.readout, this.probe);
      root.querySelector('.view').replaceChildren(this.toolbar(), this.scroller, this.foot);
      this.draw();
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

    color(number) {
      return `var(--s${number % 8})`;
    }

    // ---- controls

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
      button('■', 'Stop', () => phonoscope.player.stop());
      button('½ speed', 'Half speed', element => {
        this.rate = this.rate === 1 ? 0.5 : 1;
        element.setAttribute('aria-pressed', String(this.rate !== 1));
      }).setAttribute('aria-pressed', 'false');
      button('−', 'Zoom out', () => this.setZoom(this.zoom / 1.5));
      button('+', 'Zoom in', () => this.setZoom(this.zoom * 1.5));
      if (this.data.systems.length > 1) bar.append(this.chooser());
      if (this.data.systems.length > 2) {
        button('all systems', 'Show what the other systems heard as well', element => {
          this.all = !this.all;
          this.keep('all', this.all);
          element.setAttribute('aria-pressed', String(this.all));
          this.draw();
        }).setAttribute('aria-pressed', String(this.all));
      }
      bar.append(this.latticeControls());
      return bar;
    }

    // Which two systems stand face to face.
    chooser() {
      const group = make('span', 'chooser');
      ['compare', 'with'].forEach((word, side) => {
        const label = make('label', '', `${word} `), select = make('select');
        select.append(...this.data.systems.map(system => new Option(system.name)));
        select.selectedIndex = this.compared[side];
        select.addEventListener('change', () => {
          if (select.selectedIndex === this.compared[1 - side]) this.compared[1 - side] = this.compared[side];
          this.compared[side] = select.selectedIndex;
          group.querySelectorAll('select').forEach((other, number) => { other.selectedIndex = this.compared[number]; });
          this.keep('compared', this.compared.map(number => this.data.systems[number].name));
          this.draw();
        });
        label.append(select);
        group.append(label);
      });
      return group;
    }

    // Which search's lattices are drawn, and how much of them.
    latticeControls() {
      this.controls = make('span', 'lattice-controls');
      const label = make('label', '', 'lattices of '), select = make('select');
      select.append(...Object.entries(LATTICES).map(([graph, title]) => new Option(title, graph)));
      select.value = this.graph;
      select.addEventListener('change', () => {
        this.graph = select.value;
        this.keep('graph', this.graph);
        this.draw();
      });
      label.append(select);
      this.controls.append(label, this.pruner());
      return this.controls;
    }

    pruner() {
      const label = make('label', 'prune'), slider = make('input'), value = make('span', 'prune-value');
      Object.assign(slider, {type: 'range', min: '-2', max: '0', step: '0.1', value: Math.log10(this.floor).toFixed(1)});
      slider.setAttribute('aria-label', 'Hide lattice arcs whose posterior is below');
      const show = () => {
        this.floor = 10 ** Number(slider.value);
        value.textContent = `${(100 * this.floor).toFixed(this.floor < 0.1 ? 1 : 0)} %`;
        slider.setAttribute('aria-valuetext', value.textContent);
      };
      slider.addEventListener('input', () => {
        show();
        this.prune();
      });
      show();
      label.append(make('span', '', 'hide arcs below'), slider, value);
      return label;
    }

    prune() {
      this.nets.forEach(net => net.prune(this.floor));
      this.tabStop();
    }

    // ---- the picture

    draw() {
      const {scrollLeft, scrollTop} = this.scroller;
      this.clear();
      this.nets = [];
      this.reference();
      this.part('words', 'heard with a lexicon and a language model', () => this.heard());
      this.part('free', 'heard without words', () => this.each(number => this.free(number)));
      this.lattices();
      if (this.data.systems.some(system => system.placed)) this.part('placed', 'where each places the known text', () => this.known());
      if (this.data.models.some(Boolean)) this.part('posteriors', 'how sure each was, frame by frame', () => this.posteriors());
      this.controls.hidden = !this.nets.length && ['lattices', 'difference'].every(part => this.folded.has(part));
      this.prune();
      this.layout();
      Object.assign(this.scroller, {scrollLeft, scrollTop});
    }

    // A part of the picture under a heading that folds it away; `note`: what else is to be said of it.
    part(name, title, draw, note = '') {
      const open = !this.folded.has(name);
      const heading = make('div', 'heading'), button = make('button', 'fold', title);
      Object.assign(button, {type: 'button'}).setAttribute('aria-expanded', String(open));
      button.addEventListener('click', () => {
        this.folded[open ? 'add' : 'delete'](name);
        this.keep('folded', [...this.folded]);
        this.draw();
        this.grid.querySelector(`[data-part=${name}] button`).focus({preventScroll: true});
      });
      heading.dataset.part = name;
      heading.setAttribute('role', 'heading');
      heading.setAttribute('aria-level', this.alone ? '3' : '4');
      heading.append(button);
      this.grid.append(heading);
      if (note && open) heading.after(make('div', 'note', note));
      if (open) draw();
    }

    // Each of the two, and then the others if they are wanted.
    each(action) {
      new Set(this.compared).forEach(action);
      this.others(action);
    }

    others(action) {
      if (this.all) this.data.systems.forEach((_, number) => this.compared.includes(number) || action(number));
    }

    reference() {
      const {words, phones, by_hand} = this.data.reference;
      rows.segments(this, {name: by_hand ? 'placed by hand' : 'reference', row: words, label: 'reference words',
        className: 'words reference', isWord: true, isReference: true});
      rows.segments(this, {name: 'phones', row: phones, label: 'reference phones', className: 'phones', isReference: true});
    }

    heard() {
      const [first, second] = this.compared;
      this.words(first);
      this.apart('words');
      if (second !== first) this.words(second, true);
      this.others(number => this.words(number));
    }

    words(number, mirrored = false) {
      const {name, words, phones, why} = this.data.systems[number], color = this.color(number);
      const lanes = [
        {name, row: words, label: `${name} words`, className: 'words owner', color, why: why.words, isWord: true},
        {name: 'phones', row: phones, label: `${name} phones of the word path`, className: 'phones', color},
      ];
      (mirrored ? lanes.reverse() : lanes).forEach(lane => rows.segments(this, lane));
    }

    free(number) {
      const {name, free, why} = this.data.systems[number];
      rows.segments(this, {name, row: free, label: `${name} free phones`, className: 'phones owner', color: this.color(number), why: why.free});
    }

    // Two systems of one model, side by side, have the same.
    posteriors() {
      const {systems, models, hmm, reference} = this.data, drawn = new Set();
      this.each(number => {
        const {name, model: own} = systems[number], model = models[own], color = this.color(number);
        if (!model || drawn.has(own)) return;
        drawn.add(own);
        if (model.spikes.length) rows.spikes(this, {name, model, segments: hmm.segments, owner: hmm.name, color});
        rows.posteriorgram(this, {name, model, reference: reference.phones.segments, color});
      });
    }

    // The known text as the two, and the others, place it.
    known() {
      const drawn = new Set();
      const place = number => {
        for (const {name, row} of this.data.systems[number].placed || []) {
          if (drawn.has(name)) continue;
          drawn.add(name);
          rows.placed(this, {name, row, label: `the known text by ${name}`, className: 'phones owner', color: this.color(number)});
        }
      };
      const [first, second] = this.compared;
      place(first);
      this.apart('known');
      if (second !== first) place(second);
      this.others(place);
    }

    // What is said of two systems: [entry, whether it has them the other way round].
    pair(a, b) {
      const entry = this.data.pairs.find(({first, second}) => (first === a && second === b) || (first === b && second === a));
      return [entry, entry?.first !== a];
    }

    apart(kind) {
      const [pair, turned] = this.pair(...this.compared);
      if (!pair?.[kind]) return;
      const [first, second] = this.compared.map(number => this.data.systems[number].name);
      rows.apart(this, {first, second, limit: APART_MS, borders: pair[kind].map(([phone, a, b]) => (turned ? [phone, b, a] : [phone, a, b]))});
    }

    // ---- lattices

    // The system whose lattice of the chosen search is drawn for another: itself, else one that searches with the same model.
    standsFor(number) {
      const {systems} = this.data;
      const has = ({model, lattices}) => model === systems[number].model && Boolean(lattices[this.graph]);
      return has(systems[number]) ? number : systems.findIndex(has);
    }

    lattices() {
      const stand = this.compared.map(number => this.standsFor(number)), [first, second] = stand;
      const notes = this.compared.map((number, side) => this.missing(number, stand[side])).filter(Boolean);
      this.part('lattices', `what each considered: ${LATTICES[this.graph]}`, () => this.drawLattices(stand), [...new Set(notes)].join('; '));
      if (first !== second && Math.min(first, second) >= 0) {
        this.part('difference', 'what only one of them considered', () => this.difference(first, second));
      }
    }

    missing(number, stand) {
      const name = this.data.systems[number].name;
      if (stand === number) return '';
      return stand < 0 ? `${name} has no lattice of this search`
        : `${name} has no lattice of this search; in its place stands that of ${this.data.systems[stand].name}, which searches with the same model`;
    }

    drawLattices(stand) {
      [...new Set(stand)].filter(number => number >= 0).forEach((number, side) => {
        const {name, lattices} = this.data.systems[number];
        this.nets.push(new lattice.Net(this, {name, kind: `lattice of ${LATTICES[this.graph]}`, drawing: lattices[this.graph],
          upwards: side === 0, color: this.color(number)}));
      });
    }

    difference(first, second) {
      const [{difference}, turned] = this.pair(first, second);
      const bars = difference[this.graph].map(([start, end, symbol, a, b]) => [start, end, symbol, ...(turned ? [b, a] : [a, b])]);
      const names = [first, second].map(number => this.data.systems[number].name);
      this.nets.push(new lattice.Difference(this, {first: names[0], second: names[1], bars, colors: [first, second].map(number => this.color(number))}));
    }

    // As high as the window has room for, so that the axis on top and the scroll bar below stay in sight.
    layout() {
      const above = this.scroller.getBoundingClientRect().top + scrollY;
      this.scroller.style.setProperty('--around', `${Math.ceil(above + this.foot.offsetHeight)}px`);
      super.layout();
    }

    // ---- reading

    at(time) {
      super.at(time);
      if (time === null) return;
      const parts = [...new Set(this.compared)].map(number => {
        const system = this.data.systems[number], read = this.readers[system.model];
        const likeliest = read ? read(time).map(([phone, probability]) => `${named(phone)} ${probability.toFixed(2)}`) : [];
        return likeliest.length ? `${system.name} ${likeliest.join('  ')}` : '';
      });
      this.probe.textContent = parts.some(Boolean) ? `${time.toFixed(2)} s   ${parts.join('   |   ')}` : '';
    }
  }

  return Panel;
})();
