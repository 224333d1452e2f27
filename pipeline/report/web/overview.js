// The whole utterance as a strip, with the stretch in view on it; and the whole text on one line.
'use strict';

phonoscope.Overview = (() => {
  const {make, percent, between, spectrogram} = phonoscope;

  class Overview {
    constructor(view) {
      this.view = view;
      this.element = make('div', 'overview');
      this.window = make('div', 'window');
      this.element.tabIndex = 0;
      this.element.setAttribute('role', 'slider');
      this.element.setAttribute('aria-label', 'Stretch in view');
      this.element.setAttribute('aria-valuemin', '0');
      this.canvas = make('canvas');
      this.element.append(this.canvas, this.window);
      this.element.addEventListener('pointerdown', event => this.drag(event));
      this.element.addEventListener('keydown', event => this.key(event));
    }

    measure() {
      const {canvas, view} = this, resolution = window.devicePixelRatio || 1, samples = view.samples();
      canvas.width = Math.max(Math.round(this.element.clientWidth * resolution), 1);
      canvas.height = Math.max(Math.round(this.element.clientHeight * resolution), 1);
      spectrogram.drawWave(canvas, samples, 0, samples.length,
        samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1), getComputedStyle(this.element).color);
    }

    show({from, to}) {
      const {duration} = this.view.data, {element} = this;
      this.window.style.left = percent(from, duration);
      this.window.style.width = percent(to - from, duration);
      element.setAttribute('aria-valuemax', duration.toFixed(3));
      element.setAttribute('aria-valuenow', from.toFixed(3));
      element.setAttribute('aria-valuetext', `${from.toFixed(2)} to ${to.toFixed(2)} of ${duration.toFixed(2)} s`);
    }

    // The window is dragged; where it is not, it comes to the pointer.
    drag(event) {
      if (event.button !== 0) return;
      const {view, element} = this, box = element.getBoundingClientRect();
      const time = at => between((at.clientX - box.left) / box.width, 0, 1) * view.data.duration;
      const {from, to} = view.inView(), begin = time(event);
      const held = begin >= from && begin <= to ? begin - from : (to - from) / 2;
      const move = at => view.moveTo(time(at) - held);
      move(event);
      element.setPointerCapture(event.pointerId);
      element.addEventListener('pointermove', move);
      for (const name of ['pointerup', 'pointercancel']) {
        element.addEventListener(name, () => element.removeEventListener('pointermove', move), {once: true});
      }
    }

    key(event) {
      const {view} = this, {from, to} = view.inView(), step = (to - from) / 4;
      const target = {ArrowLeft: from - step, ArrowRight: from + step, PageUp: from - 4 * step, PageDown: to, Home: 0,
        End: view.data.duration}[event.key];
      if (target === undefined) return;
      event.preventDefault();
      view.moveTo(target);
    }
  }

  return Overview;
})();

// The words of the heading, in which those are marked that are heard, pointed at or selected.
phonoscope.text = view => {
  const {make} = phonoscope, quote = view.root.querySelector('q'), times = {};
  const words = (view.data.reference?.words?.segments || []).filter(([, , word]) => !phonoscope.SILENT.includes(word));
  if (!quote || !words.length) return {mark: () => {}};
  const spans = words.map(([start, end, word]) => Object.assign(make('span', 'said', word), {start, end}));
  quote.replaceChildren(...spans.flatMap((span, number) => (number ? [' ', span] : [span])));
  quote.classList.add('on-a-line');
  quote.addEventListener('click', ({target}) => {
    if (target.start === undefined) return;
    view.bring(target.start, target.end);
    view.play(target.start, target.end);
  });
  let now = [];
  return {
    mark(kind, start, end) {
      times[kind] = start === null || start === undefined ? null : [start, end];
      const [from, to] = times.head || times.cursor || times.selection || [-1, -1];
      const marked = spans.filter(span => span.start <= to && from < span.end);
      if (marked.length === now.length && marked.every((span, number) => span === now[number])) return;
      now.forEach(span => span.classList.remove('now'));
      marked.forEach(span => span.classList.add('now'));
      now = marked;
      const [first] = marked;
      if (first && (first.offsetLeft < quote.scrollLeft
        || first.offsetLeft + first.offsetWidth > quote.scrollLeft + quote.clientWidth)) {
        quote.scrollLeft = first.offsetLeft - quote.clientWidth / 3;
      }
    },
  };
};
