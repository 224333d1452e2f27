// Sound: one utterance plays at a time.
'use strict';

phonoscope.player = {
  context: null, source: null, stopped: () => {},

  // Play seconds `from` .. `to` of a timeline, `rate` times as fast.
  play(view, from, to, rate) {
    this.stop();
    this.context = this.context || new AudioContext();
    this.context.resume();
    const source = this.context.createBufferSource();
    source.buffer = view.buffer = view.buffer || this.decode(view);
    source.playbackRate.value = rate;
    source.connect(this.context.destination);
    const begun = this.context.currentTime;
    source.start(0, from, to - from);
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

  decode(view) {
    const samples = view.samples();
    const buffer = this.context.createBuffer(1, samples.length, view.data.rate);
    buffer.getChannelData(0).set(Float32Array.from(samples, sample => sample / 32768));
    return buffer;
  },
};
