// Waveform and wide-band spectrogram of a stretch of sound, from its samples.
'use strict';

phonoscope.spectrogram = (() => {
  const {between} = phonoscope;
  // As in pipeline/draw/spectrogram.py.
  const WINDOW_MS = 5, RANGE_DB = 50, ROWS = 128, EMPHASIS_HZ = 50, PER_WINDOW = 48;
  const APART_MS = 8;     // where a column is longer, it is the mean of several windows, no further apart
  const MOST_WINDOWS = 3;  // of a column

  // What is made once of (N,) int16 samples at `rate`: the emphasised sound, and a Fourier transform with its window.
  class Spectrum {
    constructor(samples, rate) {
      const half = this.half = Math.max(Math.round(WINDOW_MS / 1000 * rate), 2);
      const size = this.size = 2 * ROWS * 2 ** Math.ceil(Math.log2(Math.max(half / ROWS, 1)));
      const coefficient = Math.exp(-2 * Math.PI * EMPHASIS_HZ / rate);
      Object.assign(this, {rate, sound: new Float32Array(samples.length), columns: [new Float32Array(ROWS),
        new Float32Array(ROWS)]});
      for (let i = 0, last = 0; i < samples.length; i += 1) {
        this.sound[i] = (samples[i] - coefficient * last) / 32768;
        last = samples[i];
      }
      const gaussian = i => Math.exp(-PER_WINDOW * ((i - half) / (2 * half)) ** 2);
      this.window = Float32Array.from({length: 2 * half}, (_, i) => gaussian(i));
      this.cosine = Float32Array.from({length: size / 2}, (_, i) => Math.cos(2 * Math.PI * i / size));
      this.sine = Float32Array.from({length: size / 2}, (_, i) => -Math.sin(2 * Math.PI * i / size));
      const bits = Math.log2(size);
      this.reversed = Uint16Array.from({length: size}, (_, i) => {
        let back = 0;
        for (let bit = 0; bit < bits; bit += 1) back |= (i >> bit & 1) << (bits - 1 - bit);
        return back;
      });
      this.real = new Float32Array(size);
      this.imaginary = new Float32Array(size);
    }

    // The power spectra around two samples, added to `columns`: a complex transform holds two real ones.
    add(first, second) {
      const {half, size, sound, window, real, imaginary, reversed, columns} = this, per = size / 2 / ROWS;
      real.fill(0);
      imaginary.fill(0);
      for (let i = 0; i < 2 * half; i += 1) {
        const place = reversed[i];
        real[place] = window[i] * (sound[first - half + i] || 0);
        imaginary[place] = window[i] * (sound[second - half + i] || 0);
      }
      this.transform();
      for (let bin = 1; bin <= size / 2; bin += 1) {
        const other = size - bin, row = Math.floor((bin - 1) / per);
        const a = real[bin], b = imaginary[bin], c = real[other], d = imaginary[other];
        columns[0][row] += ((a + c) ** 2 + (b - d) ** 2) / 4 / per;
        columns[1][row] += ((b + d) ** 2 + (c - a) ** 2) / 4 / per;
      }
    }

    // In place, of values in bit-reversed order (Cooley and Tukey 1965).
    transform() {
      const {size, real, imaginary, cosine, sine} = this;
      for (let half = 1; half < size; half *= 2) {
        const step = size / (2 * half);
        for (let begin = 0; begin < size; begin += 2 * half) {
          for (let i = 0; i < half; i += 1) {
            const a = begin + i, b = a + half, cos = cosine[i * step], sin = sine[i * step];
            const x = real[b] * cos - imaginary[b] * sin, y = real[b] * sin + imaginary[b] * cos;
            real[b] = real[a] - x;
            imaginary[b] = imaginary[a] - y;
            real[a] += x;
            imaginary[a] += y;
          }
        }
      }
    }

    // Power in dB of `count` columns from second `from` to `to`: `write(column, row, dB)`, the lowest frequency first.
    decibels(from, to, count, write) {
      const long = (to - from) / count, {columns, rate} = this;
      const windows = between(Math.ceil(1000 * long / APART_MS), 1, MOST_WINDOWS);
      for (let column = 0; column < count; column += 2) {
        columns[0].fill(0);
        columns[1].fill(0);
        for (let part = 0; part < windows; part += 1) {
          const at = from + (column + (part + 0.5) / windows) * long;
          this.add(Math.floor(at * rate), Math.floor((at + long) * rate));
        }
        for (let second = 0; second < 2 && column + second < count; second += 1) {
          for (let row = 0; row < ROWS; row += 1) {
            write(column + second, row, 10 * Math.log10(columns[second][row] / windows + 1e-12));
          }
        }
      }
    }

    // The loudest point of the whole sound in dB, to which darkness refers.
    get loudest() {
      if (this.most === undefined) {
        const duration = this.sound.length / this.rate;
        this.most = -Infinity;
        this.decibels(0, duration, Math.max(Math.ceil(1000 * duration / APART_MS), 1), (column, row, level) => {
          if (level > this.most) this.most = level;
        });
      }
      return this.most;
    }

    // Draw seconds `from` .. `to`: as dark as it is loud, from RANGE_DB below the loudest point.
    draw(canvas, from, to, ink) {
      const columns = canvas.width, colour = rgb(ink), floor = this.loudest - RANGE_DB;
      canvas.height = ROWS;
      const pen = canvas.getContext('2d'), image = pen.createImageData(columns, ROWS), {data} = image;
      this.decibels(from, to, columns, (column, row, level) => {
        const at = 4 * ((ROWS - 1 - row) * columns + column);
        data.set(colour, at);
        data[at + 3] = 255 * between((level - floor) / RANGE_DB, 0, 1);
      });
      pen.putImageData(image, 0, 0);
    }
  }

  const known = new Map();
  function rgb(colour) {
    if (!known.has(colour)) {
      const pen = phonoscope.make('canvas').getContext('2d');
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
      known.set(colour, pen.getImageData(0, 0, 1, 1).data.slice(0, 3));
    }
    return known.get(colour);
  }

  // Draw samples `from` .. `to` (they may lie between two) into a canvas: where a pixel holds several, their lowest
  // and highest, else a line through them. `loudest`: the sample that fills the height.
  function drawWave(canvas, samples, from, to, loudest, colour) {
    const pen = canvas.getContext('2d'), {width, height} = canvas, middle = height / 2, per = (to - from) / width;
    const y = sample => middle * (1 - 0.95 * sample / loudest), thin = window.devicePixelRatio || 1;
    pen.fillStyle = pen.strokeStyle = colour;
    if (per < 1.5) {
      pen.lineWidth = 1.2 * thin;
      pen.beginPath();
      for (let i = Math.max(Math.floor(from) - 1, 0); i <= Math.min(to + 1, samples.length - 1); i += 1) {
        pen.lineTo((i - from) / per, y(samples[i]));
      }
      pen.stroke();
      return;
    }
    for (let x = 0; x < width; x += 1) {
      const begin = Math.floor(from + x * per), end = Math.min(Math.floor(from + (x + 1) * per) + 1, samples.length);
      let low = 0, high = 0;
      for (let i = begin; i < end; i += 1) {
        if (samples[i] < low) low = samples[i];
        else if (samples[i] > high) high = samples[i];
      }
      const top = y(high);
      pen.fillRect(x, top, 1, Math.max(y(low) - top, thin));
    }
  }

  return {RANGE_DB, Spectrum, drawWave, rgb};
})();
