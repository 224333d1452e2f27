// Frame maps: how probable each phone was, or where each letter was read, at every moment.
'use strict';

phonoscope.maps = (() => {
  const {SILENT, make, percent, named, rows, Tiles} = phonoscope;
  const ROW = 4, LEAST = 40, MOST = 320;  // pixels: of a row, and of a map
  const STAGGERED = 3;   // columns in which the names of rows stand
  const NAME = 9.5;      // pixels that a name is high

  // A picture whose darkness is the square root of a probability, so that what is improbable can be seen: a row for
  // each of `labels`, a column for each frame. It is read back, too. `ready` is called when it has been decoded;
  // before, nothing is known.
  class FrameMap {
    constructor({png, start, end}, labels, ready) {
      Object.assign(this, {start, end, labels, width: 0});
      const image = new Image();
      image.src = `data:image/png;base64,${png}`;
      image.decode().then(() => {
        this.canvas = make('canvas');
        this.width = this.canvas.width = image.width;
        this.canvas.height = image.height;
        const pen = this.canvas.getContext('2d', {willReadFrequently: true});
        pen.drawImage(image, 0, 0);
        this.pixels = pen.getImageData(0, 0, image.width, image.height).data;
        ready();
      });
    }

    // The probability of a row at a time; null where nothing is known.
    value(row, time) {
      const column = Math.floor((time - this.start) / (this.end - this.start) * this.width);
      if (!this.pixels || column < 0 || column >= this.width) return null;
      return (this.pixels[4 * (row * this.width + column) + 3] / 255) ** 2;
    }

    // [label, probability] of the likeliest.
    likeliest(time, number = 3) {
      return this.labels.map((label, row) => [label, this.value(row, time) ?? 0])
        .sort((a, b) => b[1] - a[1]).slice(0, number).filter(([, probability]) => probability >= 0.01);
    }

    draw(canvas, from, to, ink) {
      if (!this.canvas) return;
      const pen = canvas.getContext('2d'), scale = this.width / (this.end - this.start);
      const first = Math.max(from, this.start), last = Math.min(to, this.end), pixels = canvas.width / (to - from);
      if (last <= first) return;
      pen.imageSmoothingEnabled = (last - first) * scale > (last - first) * pixels;
      pen.drawImage(this.canvas, (first - this.start) * scale, 0, (last - first) * scale, this.canvas.height,
        (first - from) * pixels, 0, (last - first) * pixels, canvas.height);
      pen.globalCompositeOperation = 'source-in';
      pen.fillStyle = ink;
      pen.fillRect(0, 0, canvas.width, canvas.height);
    }
  }

  // A row of the picture that holds a map. `groups`: [name, how many rows]; `what`: of what a row's value is.
  function lay(view, map, {name, className, label, groups, system, what}) {
    const lane = view.row(name, `posteriorgram ${className} owner`, '', system), total = map.labels.length;
    const gutter = lane.previousSibling, ink = make('div', 'ink'), high = Math.min(Math.max(total * ROW, LEAST), MOST);
    lane.style.height = gutter.style.height = `${high}px`;
    ink.setAttribute('role', 'img');
    ink.setAttribute('aria-label', label);
    lane.append(ink);
    map.tiles = new Tiles(view, ink, (canvas, from, to) => (
      map.draw(canvas, from, to, getComputedStyle(lane).getPropertyValue('--system'))));
    let above = 0;
    for (const [group, count] of groups) {
      const mark = make('span', 'manner', count * high / total > 10 ? group : ''), rule = make('span', 'rule');
      mark.style.top = rule.style.top = percent(above, total);
      mark.style.height = percent(count, total);
      gutter.append(mark);
      lane.append(rule);
      above += count;
    }
    const names = STAGGERED * high / total >= NAME ? map.labels.map((one, number) => {
      const mark = make('span', 'row-name');
      mark.symbol = one;
      mark.style.top = percent(number + 0.5, total);
      mark.style.setProperty('--column', number % STAGGERED);
      return mark;
    }) : [];
    gutter.append(...names);
    lane.spell = () => names.forEach(mark => { mark.textContent = SILENT.includes(mark.symbol)
      ? named(mark.symbol).slice(0, 3) : phonoscope.spelled(mark.symbol); });
    lane.spell();
    // What is said of the row at a place of the screen, at a time.
    lane.read = (time, clientY) => {
      const box = lane.getBoundingClientRect(), row = Math.floor((clientY - box.top) / box.height * total);
      const value = map.value(row, time);
      names.forEach((mark, number) => mark.classList.toggle('now', number === row));
      if (value === null) return '';
      return `${name}, ${what} ${named(map.labels[row])}: ${value.toFixed(3)} at ${time.toFixed(3)} s`;
    };
    view.selectable(lane);
    return lane;
  }

  // Phones by manner, time across; where the reference has a phone, its row is framed.
  function posteriorgram(view, {name, model, reference, system}) {
    const {map} = model, total = map.labels.length;
    const lane = lay(view, map, {name, className: 'phone-map', groups: model.manners, system, what: 'probability of',
      label: `Posteriorgram of ${name}: phones from vowels at the top to silence, darker is likelier`});
    const frames = reference.map(([start, end, symbol]) => {
      const place = map.labels.indexOf(view.data.fold[symbol] || symbol);
      if (place < 0) return null;
      const frame = rows.lying(view, 'frame', start, end);
      Object.assign(frame.style, {top: percent(place, total), height: percent(1, total)});
      return frame;
    });
    view.track(lane, frames.filter(Boolean), {narrowest: 3, paint: () => {}});
  }

  // Where an attention decoder read each letter of what it wrote: letters in their order from above, time across.
  function attention(view, {name, map, system}) {
    lay(view, map.map, {name: `${name} attention`, className: 'attention', groups: map.words, system,
      what: 'share of what was read for',
      label: `Attention of ${name}: for each letter that it wrote, from the first at the top, where it read; `
        + 'darker is more'});
  }

  // How dark a probability is drawn.
  function darkness() {
    const scale = make('span', 'scale-of');
    for (const value of [0, 0.05, 0.25, 0.5, 1]) {
      const field = make('span', 'field-of');
      field.style.opacity = Math.sqrt(value);
      scale.append(field, String(value), ' ');
    }
    return scale;
  }

  // What the page draws a model from, with its maps; `ready` is called when one of them can be drawn.
  function withMaps(model, ready) {
    const made = (data, labels) => new FrameMap(data, labels, () => ready(data));
    model.map = made(model, model.labels);
    if (model.attention) model.attention.map = made(model.attention, letters(model.attention.words));
    return model;
  }

  // A word's letters and, where it has one row more, its end.
  function letters(words) {
    return words.flatMap(([word, count]) => Array.from({length: count}, (_, number) => [...word][number] || '␣'));
  }

  return {posteriorgram, attention, withMaps, darkness};
})();
