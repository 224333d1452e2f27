// A lattice on the time axis: nodes at their times, arcs as curves as thick as they are probable, the best path straight.
'use strict';

phonoscope.lattice = (() => {
  const {SILENT, makeSvg, between, shown, describe, stretch} = phonoscope;
  const LANE = 21;         // height of a lane in pixels
  const THICKEST = 13;
  const BEND = 26;         // pixels an arc may take to change its lane

  // `upwards`: what is less probable lies above the best path, else below it.
  class Net {
    constructor(view, {name, drawing, upwards, color}) {
      Object.assign(this, {view, name, upwards, nodes: drawing.nodes, width: 0});
      this.lane = view.row(name, `net ${upwards ? 'up' : 'down'}`, `${name}: lattice of free phones`, color);
      this.svg = makeSvg('svg', {class: 'arcs'});
      this.lane.append(this.svg);
      this.dots = this.nodes.map(() => makeSvg('circle', {class: 'node', r: 2.2}));
      this.arcs = drawing.arcs.map(arc => this.arc(...arc));
      // Thick ones first, so that thin ones can be pointed at; nodes over all.
      this.svg.append(...[...this.arcs].sort((a, b) => b.posterior - a.posterior), ...this.dots);
      this.arcs.move = (here, key) => this.move(here, key);
      this.arcs.enter = () => this.arcs.filter(arc => arc.best);
      view.rows.push(this.arcs);
      view.placed.push(width => this.place(width));
    }

    arc(source, target, symbol, word, posterior, until, lane, best, acoustic, language, count) {
      const start = this.nodes[source][0], end = this.nodes[target][0];
      const silent = SILENT.includes(symbol);
      const arc = makeSvg('g', {class: `arc${best ? ' best' : ''}${silent ? ' silence' : ''}`, role: 'button', tabindex: -1});
      Object.assign(arc, {source, target, start, end, symbol, posterior, until, lane, best: Boolean(best), isWord: false});
      arc.hit = makeSvg('path', {class: 'hit'});
      arc.line = makeSvg('path', {class: 'line', 'stroke-width': Math.max(1, posterior * THICKEST).toFixed(1)});
      arc.label = makeSvg('text', {class: 'label'});
      arc.append(arc.hit, arc.line, arc.label);
      describe(arc, `${this.name} lattice: ${symbol}${word ? ` (${word})` : ''}, ${stretch(start, end)}, posterior ${posterior.toFixed(3)}, `
        + `acoustic ${acoustic.toFixed(1)}, language ${language.toFixed(2)}, ${count} arc${count === 1 ? '' : 's'}${best ? ', on the best path' : ''}`);
      return arc;
    }

    // Hide what no longer lies on a whole path of arcs that reach the floor.
    prune(floor) {
      const used = new Set();
      let lanes = 0;
      for (const arc of this.arcs) {
        const visible = arc.best || arc.until >= floor;
        arc.toggleAttribute('hidden', !visible);
        if (!visible) continue;
        used.add(arc.source).add(arc.target);
        lanes = Math.max(lanes, arc.lane, this.nodes[arc.source][1], this.nodes[arc.target][1]);
      }
      this.dots.forEach((dot, node) => dot.toggleAttribute('hidden', !used.has(node)));
      this.height = (lanes + 1) * LANE;
      this.lane.style.height = `${this.height}px`;
      this.place(this.width);
    }

    place(width) {
      this.width = width;
      const x = node => this.nodes[node][0] / this.view.data.duration * width;
      const y = lane => (this.upwards ? this.height - LANE * (lane + 0.5) : LANE * (lane + 0.5));
      for (const arc of this.arcs) {
        if (arc.hasAttribute('hidden')) continue;
        const [x0, x1] = [x(arc.source), x(arc.target)];
        const [y0, y1, yl] = [this.nodes[arc.source][1], this.nodes[arc.target][1], arc.lane].map(y);
        const bend = Math.min(BEND, (x1 - x0) / 3).toFixed(1), half = (bend / 2).toFixed(1);
        const side = (from, to) => (from === to ? `h${bend}` : `c${half} 0 ${half} ${to - from} ${bend} ${to - from}`);
        const path = `M${x0.toFixed(1)} ${y0}${side(y0, yl)}H${(x1 - bend).toFixed(1)}${side(yl, y1)}`;
        arc.hit.setAttribute('d', path);
        arc.line.setAttribute('d', path);
        arc.label.setAttribute('x', ((x0 + x1) / 2).toFixed(1));
        arc.label.setAttribute('y', yl + 4);
      }
      this.dots.forEach((dot, node) => {
        dot.setAttribute('cx', x(node).toFixed(1));
        dot.setAttribute('cy', y(this.nodes[node][1]));
      });
    }

    // The keyboard follows the arcs; up and down between those of the same time, and out at the edge.
    move(here, key) {
      const visible = this.arcs.filter(arc => shown(arc));
      const likeliest = found => found.reduce((a, b) => (!a || b.posterior > a.posterior ? b : a), null);
      if (key === 'ArrowRight') return likeliest(visible.filter(arc => arc.source === here.target));
      if (key === 'ArrowLeft') return likeliest(visible.filter(arc => arc.target === here.source));
      const away = (key === 'ArrowUp') === this.upwards ? 1 : -1;
      if (key !== 'ArrowUp' && key !== 'ArrowDown') return null;
      const beside = visible.filter(arc => (arc.lane - here.lane) * away > 0 && arc.start < here.end && here.start < arc.end);
      return beside.reduce((a, b) => (!a || Math.abs(b.lane - here.lane) < Math.abs(a.lane - here.lane) ? b : a), null);
    }
  }

  // What two lattices have in common and what only one considered: bars [start, end, phone, first's mass, second's, lane]
  // in three bands. Above: only the first; below: only the second.
  class Difference {
    constructor(view, {first, second, bars, colors}) {
      const bands = [['first', `only ${first}`, colors[0]], ['both', 'both', ''], ['second', `only ${second}`, colors[1]]];
      this.bands = bands.map(([kind, name, color]) => {
        const lane = view.row(name, `difference ${kind}`, `${name} considered`, color);
        const own = bars.filter(bar => bar.kind === kind).map(bar => {
          const button = view.segment(bar.start, bar.end, bar.symbol, 'bar');
          const mass = Math.max(...bar.mass);
          button.style.top = `${bar.lane * 17}px`;
          button.style.setProperty('--thick', `${Math.max(1.5, between(mass, 0, 1) * 14).toFixed(1)}px`);
          button.classList.toggle('thin', mass < 0.6);
          Object.assign(button, {mass, place: bar.lane});
          describe(button, `${name}: ${bar.symbol}, ${stretch(bar.start, bar.end)}, ${first} ${bar.mass[0].toFixed(3)}, ${second} ${bar.mass[1].toFixed(3)}`);
          return button;
        });
        lane.append(...own);
        if (own.length) view.rows.push(own);
        return {lane, own};
      });
    }

    prune(floor) {
      for (const {lane, own} of this.bands) {
        own.forEach(bar => { bar.hidden = bar.mass < floor; });
        const lanes = Math.max(0, ...own.filter(bar => !bar.hidden).map(bar => bar.place + 1));
        lane.style.height = `${Math.max(lanes, 1) * 17 + 3}px`;
      }
    }
  }

  return {Net, Difference};
})();
