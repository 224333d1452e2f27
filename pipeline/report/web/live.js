// What `make listen` hears, drawn as it comes. Plain JavaScript, no library; only the page's own server is asked.
'use strict';

(() => {
  const PIXELS = 150;  // a second
  const TILE = 10;  // seconds a canvas
  const KEPT = 60;  // canvases of a picture
  const PIECES = 200;  // of speech whose words and phones are kept, and how many are written out above
  const WRITTEN = 8;
  const by = id => document.getElementById(id);
  const make = (tag, className = '', text = '') => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  };
  const scroller = by('scroller'), grid = by('grid'), follow = by('follow'), said = by('said');
  let long = 0;  // seconds there is something of
  const systems = new Map();

  // Of a map that grows, the oldest go.
  const forget = (map, most, remove) => {
    for (const [key, value] of map) {
      if (map.size <= most) return;
      remove(value);
      map.delete(key);
    }
  };

  const row = (kind, name = '') => {
    const line = make('div', `row ${kind}-row`), lane = make('div', `lane ${kind}`);
    const gutter = make('div', 'name', name);
    line.append(gutter, lane);
    grid.append(line);
    return {lane, gutter};
  };

  const reach = seconds => {
    if (seconds <= long) return;
    for (let tick = Math.ceil(long - 1e-9); tick < seconds; tick += 1) {
      const mark = make('span', 'tick', `${tick} s`);
      mark.style.left = `${tick * PIXELS}px`;
      ruler.lane.append(mark);
    }
    long = seconds;
    grid.style.setProperty('--long', `${Math.ceil(long * PIXELS)}px`);
    if (follow.checked) scroller.scrollLeft = scroller.scrollWidth;
  };

  // A picture that grows to the right: columns of `rows` bytes, each so many seconds wide, darkness 0 to 255.
  class Picture {
    constructor(lane, rows, seconds) {
      Object.assign(this, {lane, rows, seconds, tiles: new Map(), columns: Math.round(TILE / seconds)});
      this.ink = getComputedStyle(lane).getPropertyValue('--system') || getComputedStyle(lane).color;
      const pen = make('canvas').getContext('2d');
      pen.fillStyle = this.ink;
      pen.fillRect(0, 0, 1, 1);
      this.colour = pen.getImageData(0, 0, 1, 1).data;
    }

    tile(number) {
      if (!this.tiles.has(number)) {
        const canvas = make('canvas');
        canvas.width = this.columns;
        canvas.height = this.rows;
        canvas.style.left = `${number * this.columns * this.seconds * PIXELS}px`;
        canvas.style.width = `${this.columns * this.seconds * PIXELS}px`;
        this.lane.append(canvas);
        this.tiles.set(number, canvas.getContext('2d'));
        forget(this.tiles, KEPT, pen => pen.canvas.remove());
      }
      return this.tiles.get(number);
    }

    // Columns from number `first` on.
    add(first, bytes) {
      const count = bytes.length / this.rows;
      for (let column = 0; column < count; column += 1) {
        const image = new ImageData(1, this.rows);
        for (let y = 0; y < this.rows; y += 1) {
          image.data.set(this.colour, 4 * y);
          image.data[4 * y + 3] = bytes[column * this.rows + y];
        }
        const at = first + column;
        this.tile(Math.floor(at / this.columns)).putImageData(image, at % this.columns, 0);
      }
      return (first + count) * this.seconds;
    }
  }

  const bytesOf = text => Uint8Array.from(atob(text), character => character.charCodeAt(0));

  // The segments of a piece, in place of those that were there before.
  const put = (lane, pieces, piece, tag, segments, settled) => {
    pieces.get(piece)?.remove();
    const group = make('span');
    pieces.set(piece, group);
    forget(pieces, PIECES, old => old.remove());
    segments.forEach(([label, start, end], number) => {
      const one = make(tag, number < settled ? '' : 'partial', label);
      one.style.left = `${start * PIXELS}px`;
      one.style.width = `${Math.max((end - start) * PIXELS - 1, 2)}px`;
      one.title = `${label} ${start.toFixed(2)} to ${end.toFixed(2)} s`;
      group.append(one);
    });
    lane.append(group);
  };

  const ruler = row('ruler');
  let spectrogram;

  const take = {
    begin: message => {
      by('title').textContent = message.title;
      by('state').textContent = 'listening';
      const {lane, gutter} = row('spectrogram');
      gutter.append(make('span', '', `${(message.top / 1000).toFixed(0)} kHz`), make('span', '', '0'));
      spectrogram = new Picture(lane, message.rows, message.column);
      message.systems.forEach(({name, step, phones, manners}, number) => {
        const heading = make('div', `heading s${number}`);
        heading.append(make('span', 'system', name));
        grid.append(heading);
        const words = row('words', 'words'), free = row('phones', 'phones'), posteriors = row('posteriorgram');
        [words, free, posteriors].forEach(({lane: own}) => own.parentNode.classList.add(`s${number}`));
        posteriors.lane.style.setProperty('--phones', phones.length);
        posteriors.gutter.append(...manners.map(([manner, count]) => {
          const span = make('span', '', manner);
          span.style.height = `calc(${count} * var(--high))`;
          return span;
        }));
        posteriors.lane.addEventListener('pointermove', event => {
          const box = posteriors.lane.getBoundingClientRect();
          posteriors.lane.title = phones[Math.floor((event.clientY - box.top) / box.height * phones.length)] ?? '';
        });
        const label = make('span', `system s${number}`, name), text = make('p'), line = make('span');
        text.append(line);
        text.dataset.system = name;
        said.append(label, text);
        systems.set(name, {words: words.lane, phones: free.lane, line, step,
          said: new Map(), heard: new Map(), written: new Map(),
          picture: new Picture(posteriors.lane, phones.length, step)});
      });
    },
    sound: ({first, bytes}) => {
      const seconds = spectrogram.add(first, bytesOf(bytes));
      by('clock').textContent = `${seconds.toFixed(1)} s`;
      reach(seconds);
    },
    rows: ({system, start, bytes}) => {
      const {picture, step} = systems.get(system);
      picture.add(Math.round(start / step), bytesOf(bytes));
    },
    heard: ({system, piece, words, settled, phones, final}) => {
      const own = systems.get(system);
      put(own.words, own.said, piece, 'b', words, settled);
      put(own.phones, own.heard, piece, 'i', phones, final ? phones.length : 0);
      own.written.set(piece,
        words.map(([label], number) => make('span', number < settled ? '' : 'partial', `${label} `)));
      forget(own.written, WRITTEN, () => {});
      own.line.replaceChildren(...[...own.written.values()].flat());
    },
    end: ({text}) => { by('state').textContent = text; },
  };

  const live = new WebSocket(new URL('live', location.href.replace(/^http/, 'ws')));
  live.addEventListener('message', event => {
    const message = JSON.parse(event.data);
    take[message.kind](message);
  });
  let over = false;
  live.addEventListener('close', () => {
    if (!over) by('state').textContent += ' (not connected any more)';
    over = true;
  });
})();
