// Pictures along the axis, drawn for the stretch in view at the screen's resolution: waveform, spectrogram, frame maps.
'use strict';

phonoscope.Tiles = (() => {
  const {make} = phonoscope;
  const SIDE = 512;  // CSS pixels that a tile is wide: of narrower ones there are many, which takes long too

  // A row of canvases that is as long as the axis, of which those in view exist.
  class Tiles {
    // `draw(canvas, from, to)` draws seconds `from` .. `to`; it sets the canvas's size.
    constructor(view, place, draw) {
      Object.assign(this, {view, place, draw, tiles: new Map(), version: -1});
      this.row = place.closest('.row');
      view.pictures.push(this);
    }

    measure() {
      this.high = this.place.clientHeight;
    }

    // Draw seconds `from` .. `to`; all tiles anew where the axis has another `version`.
    show({from, to}, version) {
      const {width, data: {duration}} = this.view;
      if (version !== this.version) this.clear();
      this.version = version;
      const first = Math.max(Math.floor(from / duration * width / SIDE), 0);
      const last = Math.min(Math.ceil(to / duration * width / SIDE), Math.ceil(width / SIDE));
      for (const [number, canvas] of this.tiles) {
        if (number >= 2 * first - last && number <= 2 * last - first) continue;  // a view's length to each side stays
        canvas.remove();
        this.tiles.delete(number);
      }
      for (let number = first; number < last; number += 1) {
        if (!this.tiles.has(number)) this.tiles.set(number, this.tile(number, width, duration));
      }
    }

    tile(number, width, duration) {
      const canvas = make('canvas', 'tile'), wide = Math.min(SIDE, width - number * SIDE);
      const resolution = window.devicePixelRatio || 1;
      canvas.width = Math.max(Math.round(wide * resolution), 1);
      canvas.height = Math.max(Math.round(this.high * resolution), 1);
      canvas.style.left = `${number * SIDE}px`;
      canvas.style.width = `${wide}px`;
      this.draw(canvas, number * SIDE / width * duration, (number * SIDE + wide) / width * duration);
      this.place.append(canvas);
      return canvas;
    }

    clear() {
      this.tiles.forEach(canvas => canvas.remove());
      this.tiles.clear();
    }
  }

  return Tiles;
})();
