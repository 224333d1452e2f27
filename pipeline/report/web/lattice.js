// A lattice on the time axis: nodes at their times, arcs as curves as thick as they are probable. The best path is
// straight.
'use strict';

phonoscope.lattice = (() => {
  const {SILENT, make, makeSvg, describe, stretch, named} = phonoscope;
  const SEARCHES = {free: 'phones only', words: 'words + language model'};  // what the search knew whose lattice it is
  const LANE = 21;         // height of a lane in pixels
  const CAPTION = 15;      // what it takes more where words are written over the arcs that emit them
  const BAR = 17;          // of a bar of the difference
  const THICKEST = 13;
  const NARROWEST = 3;     // pixels an arc has on average; where they have less, they are painted
  const BEND = 26;         // pixels an arc may take to change its lane

  // `upwards`: what is less probable lies above the best path, else below it.
  class Net {
    constructor(view, {name, kind, drawing, upwards, system}) {
      Object.assign(this, {view, name, upwards, nodes: drawing.nodes,
        row: view.row(name, `net ${upwards ? 'up' : 'down'}`, `${name}: ${kind}`, system)});
      this.lane = LANE + (drawing.arcs.some(([, , , word]) => word) ? CAPTION : 0);
      const svg = makeSvg('svg', {class: 'arcs'}), lines = makeSvg('g'), points = makeSvg('g');
      svg.append(lines, points);
      this.row.append(svg);
      this.arcs = drawing.arcs.map(arc => this.arc(...arc));
      this.dots = this.nodes.map(([time], node) => (
        Object.assign(makeSvg('circle', {class: 'node', r: 2.2}), {start: time, end: time, node})));
      this.captions();
      // Thick ones first, so that thin ones can be pointed at; nodes over all.
      const thickFirst = [...this.arcs].sort((a, b) => b.posterior - a.posterior);
      this.tracks = [
        view.track(this.row, thickFirst, {place: lines, narrowest: NARROWEST,
          put: (...one) => this.place(...one), paint: (...one) => this.paint(...one)}),
        view.track(this.row, this.dots, {place: points, narrowest: NARROWEST, put: (dot, width) => this.dot(dot, width),
          paint: () => {}}),
      ];
      this.arcs.move = (here, key) => this.move(here, key);
      this.arcs.enter = () => this.arcs.filter(arc => arc.best);
      view.rows.push(this.arcs);
    }

    arc(source, target, symbol, word, posterior, until, lane, best, acoustic, language, count) {
      const start = this.nodes[source][0], end = this.nodes[target][0];
      const silent = SILENT.includes(symbol);
      const arc = makeSvg('g', {class: `arc${best ? ' best' : ''}${silent ? ' silence' : ''}`, role: 'button',
        tabindex: -1});
      Object.assign(arc, {source, target, start, end, symbol, word, posterior, until, lane, best: Boolean(best),
        isWord: false});
      arc.hit = makeSvg('path', {class: 'hit'});
      arc.line = makeSvg('path', {class: 'line', 'stroke-width': Math.max(1, posterior * THICKEST).toFixed(1)});
      arc.label = makeSvg('text', {class: 'label'});
      arc.append(arc.hit, arc.line, arc.label);
      describe(arc, () => [
        `${this.name} lattice: ${named(symbol)}${word ? ` (${word})` : ''}`,
        stretch(start, end),
        `posterior ${posterior.toFixed(3)}`,
        `acoustic ${acoustic.toFixed(1)}`,
        `language ${language.toFixed(2)}`,
        `${count} arc${count === 1 ? '' : 's'}`,
        ...(best ? ['on the best path'] : []),
      ].join(', '));
      return arc;
    }

    // Each word over the arc that emits it.
    captions() {
      for (const arc of this.arcs.filter(({word}) => word)) {
        arc.caption = makeSvg('text', {class: 'word'});
        arc.caption.textContent = arc.word;
        arc.append(arc.caption);
      }
    }

    // Hide what no longer lies on a whole path of arcs that reach the floor.
    prune(floor) {
      const used = new Set();
      let lanes = 0;
      for (const arc of this.arcs) {
        const visible = arc.best || arc.until >= floor;
        arc.hidden = !visible;
        if (!visible) continue;
        used.add(arc.source).add(arc.target);
        lanes = Math.max(lanes, arc.lane, this.nodes[arc.source][1], this.nodes[arc.target][1]);
      }
      this.dots.forEach(dot => { dot.hidden = !used.has(dot.node); });
      this.row.style.height = `${(lanes + 1) * this.lane}px`;
    }

    // Heights are counted from the best path, so that pruning moves nothing.
    y(lane) {
      return this.upwards ? -this.lane * lane - LANE / 2 : this.lane * (lane + 1) - LANE / 2;
    }

    // Its label is in the middle of what is drawn of it.
    place(arc, width, {from, to}) {
      const [x0, x1, begin, end] = [arc.start, arc.end, Math.max(arc.start, from), Math.min(arc.end, to)]
        .map(time => time / this.view.data.duration * width);
      const [y0, y1, yl] = [this.nodes[arc.source][1], this.nodes[arc.target][1], arc.lane].map(lane => this.y(lane));
      const bend = Math.min(BEND, (x1 - x0) / 3).toFixed(1), half = (bend / 2).toFixed(1);
      const side = (from, to) => (from === to ? `h${bend}` : `c${half} 0 ${half} ${to - from} ${bend} ${to - from}`);
      const path = `M${x0.toFixed(1)} ${y0}${side(y0, yl)}H${(x1 - bend).toFixed(1)}${side(yl, y1)}`;
      arc.hit.setAttribute('d', path);
      arc.line.setAttribute('d', path);
      arc.label.setAttribute('x', ((begin + end) / 2).toFixed(1));
      arc.label.setAttribute('y', yl + 4);
      arc.caption?.setAttribute('x', (x0 + 2).toFixed(1));
      arc.caption?.setAttribute('y', yl - LANE / 2 - 1);
    }

    dot(dot, width) {
      const [time, lane] = this.nodes[dot.node];
      dot.setAttribute('cx', (time / this.view.data.duration * width).toFixed(1));
      dot.setAttribute('cy', this.y(lane));
    }

    // Of an arc too short to be pointed at, a line.
    paint(pen, arc, scale, origin) {
      const high = Math.max(arc.posterior * THICKEST, 1), bottom = this.upwards ? this.tracks[0].high : 0;
      const y = bottom + this.y(arc.lane);
      pen.fillRect((arc.start - origin) * scale, y - high / 2, Math.max((arc.end - arc.start) * scale, 1), high);
    }

    // The keyboard follows the arcs; up and down between those of the same time, and out at the edge.
    move(here, key) {
      const visible = this.arcs.filter(arc => !arc.hidden);
      const likeliest = found => found.reduce((a, b) => (!a || b.posterior > a.posterior ? b : a), null);
      if (key === 'ArrowRight') return likeliest(visible.filter(arc => arc.source === here.target));
      if (key === 'ArrowLeft') return likeliest(visible.filter(arc => arc.target === here.source));
      const away = (key === 'ArrowUp') === this.upwards ? 1 : -1;
      if (key !== 'ArrowUp' && key !== 'ArrowDown') return null;
      const beside = visible.filter(arc => (arc.lane - here.lane) * away > 0 && arc.start < here.end
        && here.start < arc.end);
      return beside.reduce((a, b) => (!a || Math.abs(b.lane - here.lane) < Math.abs(a.lane - here.lane) ? b : a), null);
    }
  }

  // What only one of two lattices holds, and what both do, in three bands. A lattice considered what reaches the floor
  // there.
  class Difference {
    // bars: [start, end, phone, the first's posterior mass, the second's]
    constructor(view, {first, second, bars, systems}) {
      Object.assign(this, {view, first, second});
      const bands = [
        ['first', `only ${first}`, systems[0]],
        ['both', 'both', null],
        ['second', `only ${second}`, systems[1]],
      ];
      this.bands = bands.map(([kind, name, system]) => (
        {kind, lane: view.row(name, `difference ${kind}`, `considered by ${name}`, system), row: []}));
      this.tracks = this.bands.map(({lane, row}) => view.track(lane, row));
      this.bands.forEach(({row}) => view.rows.push(row));
      this.bars = bars.map(bar => this.bar(...bar)).sort((a, b) => Math.max(...b.masses) - Math.max(...a.masses));
    }

    bar(start, end, symbol, ...masses) {
      const bar = this.view.segment(start, end, symbol, 'bar');
      Object.assign(bar, {masses});
      const said = masses.map((mass, side) => `${[this.first, this.second][side]} ${mass ? mass.toFixed(3) : 'never'}`);
      describe(bar, () => `${named(symbol)}, ${stretch(start, end)}: posterior mass ${said.join(', ')}`);
      return bar;
    }

    prune(floor) {
      const holder = ([a, b]) => (a >= floor ? (b >= floor ? 'both' : 'first') : (b >= floor ? 'second' : 'neither'));
      for (const {kind, lane, row} of this.bands) {
        const own = this.bars.filter(({masses}) => holder(masses) === kind);
        const lanes = [];
        for (const bar of own) {
          const mass = kind === 'both' ? Math.min(...bar.masses) : Math.max(...bar.masses);
          let place = lanes.findIndex(taken => taken.every(other => other.end <= bar.start || bar.end <= other.start));
          if (place < 0) place = lanes.push([]) - 1;
          lanes[place].push(bar);
          bar.style.top = `${place * BAR}px`;
          bar.style.setProperty('--thick', `${Math.max(1.5, Math.min(mass, 1) * (BAR - 3)).toFixed(1)}px`);
          bar.classList.toggle('thin', mass < 0.6);
        }
        lane.style.height = `${Math.max(lanes.length, 1) * BAR + 3}px`;
        row.forEach(bar => bar.remove());
        row.splice(0, row.length, ...own.sort((a, b) => a.start - b.start));
      }
    }
  }

  // How thick a posterior is drawn.
  function thickness() {
    const scale = make('span', 'scale-of');
    for (const value of [0.1, 0.5, 1]) {
      const line = make('span', 'line-of');
      line.style.height = `${value * THICKEST}px`;
      scale.append(line, String(value), ' ');
    }
    return scale;
  }

  return {SEARCHES, Net, Difference, thickness};
})();
