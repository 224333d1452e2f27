// Sound: one utterance plays at a time.
'use strict';

phonoscope.player = (() => {
  const PIECE_MS = 30;   // that keeps its sound; three periods of a low voice
  const SEARCH_MS = 15;  // how far it may move to go on where the last one ended: a period of a low voice

  // The samples `rate` times as fast, at the same pitch: pieces of them, faded into each other, each taken from where
  // it is most like what came after the last one (Verhelst and Roelands 1993, "An overlap-add technique based on
  // waveform similarity").
  function stretched(samples, sampleRate, rate) {
    const half = Math.round(PIECE_MS / 2000 * sampleRate), reach = Math.round(SEARCH_MS / 1000 * sampleRate);
    const result = new Float64Array(Math.round(samples.length / rate));
    const fade = Float64Array.from({length: 2 * half}, (_, i) => 0.5 - 0.5 * Math.cos(Math.PI * (i + 0.5) / half));
    const stride = Math.ceil(sampleRate / 8000);  // finer steps cannot be heard, and take long
    const likeness = (a, b) => {
      let product = 0, energy = 1;
      for (let i = 0; i < 2 * half; i += stride) {
        product += (samples[a + i] || 0) * (samples[b + i] || 0);
        energy += (samples[b + i] || 0) ** 2;
      }
      return product / Math.sqrt(energy);
    };
    let next = null;  // where the last piece goes on
    for (let at = -half; at < result.length; at += half) {
      const wanted = Math.round((at + half) * rate) - half;  // the same middle
      let from = wanted;
      if (next !== null) {
        for (let other = wanted - reach, best = -Infinity; other <= wanted + reach; other += stride) {
          const like = likeness(next, other);
          if (like > best) [best, from] = [like, other];
        }
      }
      for (let i = Math.max(-at, 0); i < 2 * half && at + i < result.length; i += 1) {
        result[at + i] += fade[i] * (samples[from + i] || 0);
      }
      next = from + half;
    }
    return result;
  }

  return {
    context: null, source: null, stopped: () => {},

    // Play seconds `from` .. `to` of a timeline, `rate` times as fast, at the same pitch.
    play(view, from, to, rate) {
      this.stop();
      this.context = this.context || new AudioContext();
      this.context.resume();
      const source = this.context.createBufferSource();
      const first = Math.round(from * view.data.rate), samples = view.samples();
      source.buffer = rate === 1 ? view.buffer = view.buffer || this.decode(samples, view.data.rate)
        : this.decode(stretched(samples.subarray(first, Math.round(to * view.data.rate)), view.data.rate, rate),
          view.data.rate);
      source.connect(this.context.destination);
      const begun = this.context.currentTime;
      source.start(0, ...(rate === 1 ? [from, to - from] : [0, source.buffer.duration]));
      this.source = source;
      view.root.dataset.playing = `${from.toFixed(3)} ${to.toFixed(3)}`;
      const draw = () => {
        if (this.source !== source) return;
        const now = Math.min(from + (this.context.currentTime - begun) * rate, to);
        view.over('head', now);
        view.follow(now);
        requestAnimationFrame(draw);
      };
      this.stopped = () => {
        delete view.root.dataset.playing;
        view.over('head');
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

    decode(samples, rate) {
      const buffer = this.context.createBuffer(1, Math.max(samples.length, 1), rate);
      buffer.getChannelData(0).set(Float32Array.from(samples, sample => sample / 32768));
      return buffer;
    },
  };
})();
