// What a timeline's rows hold: segments, spikes over segments, and borders that lie apart.
'use strict';

phonoscope.rows = (() => {
  const {SILENT, make, percent, describe, stretch, named} = phonoscope;

  // Words or phones; what differs from the reference is marked. `why`: [start, end, where the error there comes from].
  function segments(view, {name, row, label, className, system, why = [], isWord = false, isReference = false}) {
    const lane = view.row(name, className, label, system), said = symbol => (isWord ? symbol : named(symbol));
    const because = time => {
      const reason = why.find(([start, end]) => start - 0.03 <= time && time <= end + 0.03);
      return reason ? `; ${reason[2]}` : '';
    };
    const buttons = row.segments.map(([start, end, symbol, verdict = ''], number) => {
      const value = SILENT.includes(symbol) ? undefined : row.confidence?.[number];
      const sure = value === undefined ? '' : `, confidence ${value.toFixed(2)}`;
      const judged = view.data.reference ? {'': 'right', '+': 'added'}[verdict] || 'wrong' : 'plain';
      const state = SILENT.includes(symbol) ? 'silence' : isReference ? 'plain' : judged;
      const button = view.segment(start, end, symbol, `segment ${state}`, isWord);
      const instead = () =>
        (verdict === '+' ? ', not in the reference' : verdict ? `, reference ${said(verdict)}` : '');
      describe(button, () => `${label}: ${said(symbol)}, ${stretch(start, end)}${sure}${instead()}${
        verdict && because((start + end) / 2)}`);
      return button;
    });
    view.track(lane, buttons);
    const gaps = (isReference ? [] : row.missing).map(([time, symbol]) => {
      const gap = Object.assign(make('span', 'gap'), {start: time, end: time});
      gap.style.left = percent(time, view.data.duration);
      gap.setAttribute('role', 'img');
      describe(gap, () => `${label}: ${said(symbol)} missed at ${time.toFixed(2)} s${because(time)}`);
      return gap;
    });
    view.track(lane, gaps, {narrowest: 0});
    view.rows.push(buttons);
    return lane;
  }

  // The known text where a system puts it; the bar below each phone is its confidence.
  function placed(view, {name, row, label, className, system, isWord = false}) {
    const lane = view.row(name, className, label, system);
    const buttons = row.map(([start, end, symbol, confidence, gop]) => {
      const button = view.segment(start, end, symbol, `segment ${SILENT.includes(symbol) ? 'silence' : 'sure'}`,
        isWord);
      button.style.setProperty('--sure', confidence === null ? 0 : confidence);
      const sure = confidence === null ? '' : `, confidence ${confidence.toFixed(2)}`;
      const good = gop === null ? '' : `, goodness of pronunciation ${gop.toFixed(2)}`;
      describe(button, () => `${label}: ${named(symbol)}, ${stretch(start, end)}${sure}${good}`);
      return button;
    });
    view.track(lane, buttons);
    view.rows.push(buttons);
  }

  // The borders that two systems put more than `limit` ms apart, each as a span from one to the other.
  function apart(view, {borders, first, second, limit}) {
    const lane = view.row(`over ${limit} ms apart`, 'apart',
      `borders that ${first} and ${second} put more than ${limit} ms apart`);
    const buttons = borders.map(([phone, a, b]) => {
      const button = view.segment(Math.min(a, b), Math.max(a, b), '', 'border', true);
      const begins = `begins at ${a.toFixed(3)} s for ${first}, at ${b.toFixed(3)} s for ${second}`;
      describe(button, () => `${named(phone)} ${begins}: ${Math.round(1000 * Math.abs(a - b))} ms apart`);
      return button;
    });
    view.track(lane, buttons);
    if (buttons.length) view.rows.push(buttons);
  }

  // The phones a CTC network is sure of at single frames, as lines, over the segments an HMM makes of the same sound.
  function spikes(view, {name, model, segments: behind, owner, system}) {
    const label = `spikes of ${name}${owner && ` over the segments of ${owner}`}`;
    const lane = view.row(`${name} spikes`, 'spikes', label, system);
    view.track(lane, behind.filter(([, , symbol]) => !SILENT.includes(symbol)).map(([start, end]) => {
      const ground = lying(view, 'ground', start, end);
      ground.setAttribute('aria-hidden', 'true');
      return ground;
    }), {narrowest: 3, paint: () => {}});
    const half = model.step / 2;
    const buttons = model.spikes.map(([time, symbol, probability]) => {
      const button = view.segment(time - half, time + half, symbol, 'spike');
      button.style.setProperty('--high', probability);
      const segment = behind.find(([start, end]) => start <= time && time < end);
      const where = () => (segment && !SILENT.includes(segment[2])
        ? `, ${(100 * (time - segment[0]) / (segment[1] - segment[0])).toFixed(0)} % into ${owner}'s ${
          named(segment[2])}` : '');
      describe(button, () => `${name}: ${named(symbol)} ${probability.toFixed(2)} at ${time.toFixed(2)} s${where()}`);
      return button;
    });
    view.track(lane, buttons);
    view.rows.push(buttons);
  }

  // A mark over seconds `start` .. `end` of the axis.
  function lying(view, className, start, end) {
    const mark = Object.assign(make('span', className), {start, end});
    mark.style.left = percent(start, view.data.duration);
    mark.style.width = percent(end - start, view.data.duration);
    return mark;
  }

  return {segments, placed, apart, spikes, lying};
})();
