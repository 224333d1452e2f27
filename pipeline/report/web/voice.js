// What a phonetician draws over a spectrogram: pitch, intensity and formants, each with a key and a button; and what
// lies under the pointer.
'use strict';

phonoscope.voice = (() => {
  const {make, makeSvg, percent, remembered, remember, bytesOf, spectrogram} = phonoscope;
  const KINDS = {pitch: 'P', intensity: 'I', formants: 'F'};
  const PITCH_TOP = 500;  // Hz, of a scale from 0; a higher voice makes it higher
  const LOUD_RANGE = 60;  // dB from the bottom to the loudest
  const HALF_S = 0.0005;  // of the moment whose level is told
  const on = new Set(remembered('voice', []).filter(kind => KINDS[kind]));

  // ---- what is on

  function show() {
    for (const kind of Object.keys(KINDS)) {
      document.documentElement.classList.toggle(`with-${kind}`, on.has(kind));
      document.querySelectorAll(`.control[data-voice=${kind}]`).forEach(button =>
        button.setAttribute('aria-pressed', String(on.has(kind))));
    }
  }

  function toggle(kind) {
    on[on.has(kind) ? 'delete' : 'add'](kind);
    remember('voice', [...on]);
    show();
  }

  function buttons() {
    const group = make('span', 'voice-controls');
    group.append(...Object.entries(KINDS).map(([kind, key]) => {
      const button = make('button', 'control', kind);
      button.type = 'button';
      button.dataset.voice = kind;
      button.title = `key ${key}`;
      button.setAttribute('aria-keyshortcuts', key);
      button.setAttribute('aria-label', `Draw the ${kind} over the spectrogram`);
      button.setAttribute('aria-pressed', String(on.has(kind)));
      button.addEventListener('click', () => toggle(kind));
      return button;
    }));
    return group;
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
    const kind = Object.keys(KINDS).find(one => KINDS[one] === event.key.toUpperCase());
    if (kind) toggle(kind);
  }

  // ---- curves

  // The curves of a page's data as numbers: pitch in Hz and formants in Hz (0 for none), intensity in dB.
  function curvesOf({voice}) {
    const read = base64 => new Int16Array(bytesOf(base64).buffer);
    return {
      step: voice.step,
      pitch: Float64Array.from(read(voice.pitch), tenths => tenths / 10),
      intensity: Float64Array.from(read(voice.intensity), tenths => tenths / 10),
      formants: read(voice.formants),
    };
  }

  // Lines through points [x, y], one for each stretch without a gap (null).
  const lines = points => points.map((point, i) =>
    (point ? `${i && points[i - 1] ? 'L' : 'M'}${point[0].toFixed(3)} ${point[1].toFixed(2)}` : '')).join('');
  // A line of no length, round at its ends, is a dot.
  const dots = points => points.map(([x, y]) => `M${x.toFixed(3)} ${y.toFixed(2)}h0`).join('');

  // Draw all curves over a spectrogram; report.css shows those that are on.
  function draw(view, lane) {
    const {duration, rate} = view.data;
    pointer(view, lane);
    if (!view.data.voice) return;
    const curves = view.curves = view.curves || curvesOf(view.data), count = curves.pitch.length;
    const pitchTop = Math.max(PITCH_TOP, ...curves.pitch.map(hertz => 100 * Math.ceil(hertz / 100)));
    const loudTop = 10 * Math.ceil(Math.max(...curves.intensity, -100) / 10);
    const x = i => 100 * (i + 0.5) * curves.step / duration;
    const height = (value, low, high) => 100 - 100 * (value - low) / (high - low);
    const places = [...Array(count).keys()];
    const found = {
      pitch: lines(places.map(i => curves.pitch[i] && [x(i), height(curves.pitch[i], 0, pitchTop)])),
      intensity: lines(places.map(i =>
        [x(i), Math.min(height(curves.intensity[i], loudTop - LOUD_RANGE, loudTop), 100)])),
      formants: dots([...curves.formants].flatMap((hertz, i) =>
        (hertz ? [[x(Math.floor(i / 3)), height(hertz, 0, rate / 2)]] : []))),
    };
    const picture = makeSvg('svg', {viewBox: '0 0 100 100', preserveAspectRatio: 'none', class: 'voice',
      'aria-hidden': 'true'});
    for (const [kind, path] of Object.entries(found)) {
      for (const part of ['halo', 'curve-line']) picture.append(makeSvg('path', {d: path, class: `${part} ${kind}`}));
    }
    lane.append(picture);
    const gutter = lane.previousSibling;
    scale(gutter, 'pitch', 'Hz', 0, pitchTop, 100);
    scale(gutter, 'intensity', 'dB', loudTop - LOUD_RANGE, loudTop, 20);
  }

  function scale(gutter, kind, unit, low, high, step) {
    for (let value = low + step; value < high; value += step) {
      const mark = make('span', `voice-scale ${kind}`, String(value).replace('-', '−'));
      if (value + step >= high) mark.append(` ${unit}`);
      mark.style.bottom = percent(value - low, high - low);
      gutter.append(mark);
    }
  }

  // ---- under the pointer

  // Tells time, frequency and level of the point, and what the voice does there.
  function pointer(view, lane) {
    lane.addEventListener('pointermove', event => {
      if (event.buttons) return;  // then a stretch is being chosen
      const box = lane.getBoundingClientRect();
      const across = (event.clientX - box.left) / box.width, up = 1 - (event.clientY - box.top) / box.height;
      if (across < 0 || across >= 1 || up <= 0 || up > 1) return;
      view.readout.textContent = told(view, across * view.data.duration, up);
    });
  }

  // `up`: the share of half the sample rate.
  function told(view, time, up) {
    const levels = [];
    view.spectrum.decibels(time - HALF_S, time + HALF_S, 1, (column, row, level) => { levels[row] = level; });
    const below = view.spectrum.loudest - levels[Math.min(Math.floor(up * levels.length), levels.length - 1)];
    const level = below > spectrogram.RANGE_DB ? `over ${spectrogram.RANGE_DB}` : Math.max(Math.round(below), 0);
    return [`${time.toFixed(3)} s, ${Math.round(up * view.data.rate / 2)} Hz, ${level} dB below the loudest point`,
      ...ofVoice(view.curves, time)].join('; ');
  }

  function ofVoice(curves, time) {
    if (!curves) return [];
    const i = Math.min(Math.floor(time / curves.step), curves.pitch.length - 1);
    if (i < 0) return [];
    const formants = [...curves.formants.subarray(3 * i, 3 * i + 3)].map((hertz, n) => hertz && `F${n + 1} ${hertz}`);
    return [
      curves.pitch[i] ? `pitch ${curves.pitch[i].toFixed(0)} Hz` : 'no pitch',
      `intensity ${curves.intensity[i].toFixed(0).replace('-', '−')} dB`,
      ...(formants.some(Boolean) ? [`formants ${formants.filter(Boolean).join(', ')} Hz`] : []),
    ];
  }

  function begin() {
    document.addEventListener('keydown', key);
    show();
  }

  return {begin, draw, buttons};
})();
