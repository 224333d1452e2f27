// One utterance: the controls, what was said, and what the systems heard, two of them face to face.
'use strict';

phonoscope.Panel = (() => {
  const {make, rows, lattice, Timeline, named} = phonoscope;
  const APART_MS = 20;
  const LAYERS = [['posteriors', 'how sure each system was of each phone, frame by frame'], ['placed', 'the known text as each system places it'],
    ['lattices', 'what each system considered'], ['others', 'the other systems']];

  class Panel extends Timeline {
    constructor(root, data) {
      super(root, data);
      this.compared = [...data.compared];
      this.floor = 0.02;
      this.layers = new Set((root.dataset.layers || '').split(' '));
      this.readers = data.models.map(model => model && rows.reader(model, () => this.at(this.time)));
      this.probe = make('output', 'probe');
      this.probe.setAttribute('aria-live', 'off');
      const foot = make('div', 'foot');
      foot.append(this.readout, this.probe);
      root.querySelector('.view').replaceChildren(this.toolbar(), this.scroller, foot);
      this.draw();
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
      for (const [layer, title] of LAYERS.filter(([layer]) => this.has(layer))) {
        const element = button(layer, `Show ${title}`, () => {
          this.layers[this.layers.has(layer) ? 'delete' : 'add'](layer);
          element.setAttribute('aria-pressed', String(this.layers.has(layer)));
          this.draw();
        });
        element.setAttribute('aria-pressed', String(this.layers.has(layer)));
      }
      bar.append(this.pruner());
      return bar;
    }

    has(layer) {
      const {models, systems} = this.data;
      return {posteriors: models.some(Boolean), placed: systems.some(system => system.placed),
        lattices: systems.some(system => system.lattice), others: systems.length > 2}[layer];
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
          this.draw();
        });
        label.append(select);
        group.append(label);
      });
      return group;
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
        this.nets.forEach(net => net.prune(this.floor));
      });
      show();
      label.append(make('span', '', 'hide arcs below'), slider, value);
      this.pruning = label;
      return label;
    }

    // ---- the picture

    draw() {
      this.clear();
      const {reference, systems} = this.data, [first, second] = this.compared;
      this.nets = [];
      const title = reference.by_hand ? 'placed by hand' : 'reference';
      rows.segments(this, {name: title, row: reference.words, label: 'reference words', className: 'words reference', isWord: true, isReference: true});
      rows.segments(this, {name: 'phones', row: reference.phones, label: 'reference phones', className: 'phones', isReference: true});
      this.known();
      this.heading('heard with a lexicon');
      this.words(first);
      this.apart('words');
      if (second !== first) this.words(second, true);
      this.others(number => this.words(number));
      this.heading('heard without words');
      for (const number of new Set(this.compared)) this.free(number);
      this.others(number => this.free(number));
      this.lattices();
      this.pruning.hidden = !this.nets.length;
      this.tabStop(this.rows.flat()[0]);
      this.layout();
    }

    others(action) {
      if (this.layers.has('others')) this.data.systems.forEach((_, number) => this.compared.includes(number) || action(number));
    }

    words(number, mirrored = false) {
      const system = this.data.systems[number], color = this.color(number);
      const words = () => rows.segments(this, {name: system.name, row: system.words, label: `${system.name} words`, className: 'words owner', color, why: system.why.words, isWord: true});
      const phones = () => rows.segments(this, {name: 'phones', row: system.phones, label: `${system.name} phones of the word path`, className: 'phones', color});
      (mirrored ? [phones, words] : [words, phones]).forEach(action => action());
    }

    free(number) {
      const system = this.data.systems[number], color = this.color(number);
      rows.segments(this, {name: system.name, row: system.free, label: `${system.name} free phones`, className: 'phones owner', color, why: system.why.free});
      const model = this.data.models[system.model];
      if (!model || !this.layers.has('posteriors')) return;
      const reference = this.data.reference.phones.segments;
      if (model.spikes.length) {
        const hmm = this.data.hmm;
        rows.spikes(this, {name: system.name, model, segments: hmm.segments, owner: hmm.name, color});
      }
      rows.posteriorgram(this, {name: system.name, model, reference, color});
    }

    // The known text as the two, and the others, place it.
    known() {
      if (!this.layers.has('placed')) return;
      const place = number => {
        const system = this.data.systems[number];
        for (const {name, row} of system.placed || []) {
          rows.placed(this, {name, row, label: `the known text by ${name}`, className: 'phones owner', color: this.color(number)});
        }
      };
      const [first, second] = this.compared;
      if (![first, second].some(number => this.data.systems[number].placed)) return;
      this.heading('the known text, placed');
      place(first);
      this.apart('known');
      if (second !== first) place(second);
      this.others(place);
    }

    // What is said of the two: [entry, whether it has them the other way round].
    pair() {
      const [a, b] = this.compared;
      const entry = this.data.pairs.find(({first, second}) => (first === a && second === b) || (first === b && second === a));
      return [entry, entry?.first !== a];
    }

    apart(kind) {
      const [pair, turned] = this.pair();
      if (!pair?.[kind]) return;
      const [first, second] = this.compared.map(number => this.data.systems[number].name);
      rows.apart(this, {first, second, limit: APART_MS, borders: pair[kind].map(([phone, a, b]) => (turned ? [phone, b, a] : [phone, a, b]))});
    }

    lattices() {
      if (!this.layers.has('lattices')) return;
      const {systems} = this.data;
      this.heading('what each considered');
      this.compared.forEach((number, side) => {
        const {name, lattice: drawing} = systems[number];
        if (drawing && (side === 0 || number !== this.compared[0])) {
          this.nets.push(new lattice.Net(this, {name, drawing, upwards: side === 0, color: this.color(number)}));
        }
      });
      const [pair, turned] = this.pair();
      if (pair?.difference) {
        const bars = pair.difference.map(([start, end, symbol, a, b]) => [start, end, symbol, ...(turned ? [b, a] : [a, b])]);
        const [first, second] = this.compared.map(number => systems[number].name);
        this.heading('the difference');
        this.nets.push(new lattice.Difference(this, {first, second, bars, colors: this.compared.map(number => this.color(number))}));
      }
      this.nets.forEach(net => net.prune(this.floor));
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
