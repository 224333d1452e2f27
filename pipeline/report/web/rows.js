// What a timeline's rows hold: segments, spikes over segments, posteriorgrams, and borders that lie apart.
'use strict';

phonoscope.rows = (() => {
  const {SILENT, make, percent, describe, stretch, named, alphasOf} = phonoscope;

  // Words or phones; what differs from the reference is marked. `why`: [start, end, where the error there comes from].
  function segments(view, {name, row, label, className, system, why = [], isWord = false, isReference = false}) {
    const lane = view.row(name, className, label, system), said = symbol => (isWord ? symbol : named(symbol));
    const because = time => {
      const reason = why.find(([start, end]) => start - 0.03 <= time && time <= end + 0.03);
      return reason ? `; ${reason[2]}` : '';
    };
    const buttons = row.segments.map(([start, end, symbol, verdict]) => {
      const judged = {'': 'right', '+': 'added'}[verdict] || 'wrong';
      const state = SILENT.includes(symbol) ? 'silence' : isReference ? 'plain' : judged;
      const button = view.segment(start, end, symbol, `segment ${state}`, isWord);
      const instead = () => (verdict === '+' ? ', not in the reference' : verdict ? `, reference ${said(verdict)}` : '');
      describe(button, () => `${label}: ${said(symbol)}, ${stretch(start, end)}${instead()}${
        verdict && because((start + end) / 2)}`);
      return button;
    });
    lane.append(...buttons);
    for (const [time, symbol] of isReference ? [] : row.missing) {
      const gap = make('span', 'gap');
      gap.style.left = percent(time, view.data.duration);
      gap.setAttribute('role', 'img');
      describe(gap, () => `${label}: ${said(symbol)} missed at ${time.toFixed(2)} s${because(time)}`);
      lane.append(gap);
    }
    view.rows.push(buttons);
  }

  // The known text where a system puts it; the bar below each phone is its confidence.
  function placed(view, {name, row, label, className, system}) {
    const lane = view.row(name, className, label, system);
    const buttons = row.map(([start, end, symbol, confidence, gop]) => {
      const button = view.segment(start, end, symbol, `segment ${SILENT.includes(symbol) ? 'silence' : 'sure'}`);
      button.style.setProperty('--sure', confidence === null ? 0 : confidence);
      const sure = confidence === null ? '' : `, confidence ${confidence.toFixed(2)}`;
      const good = gop === null ? '' : `, goodness of pronunciation ${gop.toFixed(2)}`;
      describe(button, () => `${label}: ${named(symbol)}, ${stretch(start, end)}${sure}${good}`);
      return button;
    });
    lane.append(...buttons);
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
    lane.append(...buttons);
    if (buttons.length) view.rows.push(buttons);
  }

  // The phones a CTC network is sure of at single frames, as lines, over the segments an HMM makes of the same sound.
  function spikes(view, {name, model, segments: behind, owner, system}) {
    const label = `spikes of ${name} over the segments of ${owner}`;
    const lane = view.row(`${name} spikes`, 'spikes', label, system);
    for (const [start, end, symbol] of behind) {
      if (SILENT.includes(symbol)) continue;
      const ground = make('span', 'ground');
      ground.style.left = percent(start, view.data.duration);
      ground.style.width = percent(end - start, view.data.duration);
      ground.setAttribute('aria-hidden', 'true');
      lane.append(ground);
    }
    const half = model.step / 2;
    const buttons = model.spikes.map(([time, symbol, probability], number) => {
      const button = view.segment(time - half, time + half, symbol, 'spike');
      button.style.setProperty('--high', probability);
      // Seconds that its label has: as far as to the next spike.
      const beside = [number - 1, number + 1].map(next => model.spikes[next]?.[0] ?? Infinity);
      button.room = Math.min(...beside.map(other => Math.abs(time - other)));
      const segment = behind.find(([start, end]) => start <= time && time < end);
      const where = () => (segment && !SILENT.includes(segment[2])
        ? `, ${(100 * (time - segment[0]) / (segment[1] - segment[0])).toFixed(0)} % into ${owner}'s ${
          named(segment[2])}` : '');
      describe(button, () => `${name}: ${named(symbol)} ${probability.toFixed(2)} at ${time.toFixed(2)} s${where()}`);
      return button;
    });
    lane.append(...buttons);
    view.rows.push(buttons);
  }

  // A picture over its stretch of the time axis.
  function over(view, {png, start, end}, label) {
    const ink = view.ink(png, label);
    ink.style.left = percent(start, view.data.duration);
    ink.style.right = 'auto';
    ink.style.width = percent(end - start, view.data.duration);
    return ink;
  }

  // Phones by manner, time across; where the reference has a phone, its row is framed.
  function posteriorgram(view, {name, model, reference, system}) {
    const lane = view.row(name, 'posteriorgram owner', '', system);
    const gutter = lane.previousSibling, total = model.labels.length;
    lane.style.height = gutter.style.height = `${Math.max(total * 4, 40)}px`;
    lane.append(over(view, model,
      `Posteriorgram of ${name}: phones from vowels at the top to silence, darker is likelier`));
    let above = 0;
    for (const [manner, count] of model.manners) {
      const mark = make('span', 'manner', count > 2 ? manner : '');
      mark.style.top = percent(above, total);
      mark.style.height = percent(count, total);
      const rule = make('span', 'rule');
      rule.style.top = percent(above, total);
      gutter.append(mark);
      lane.append(rule);
      above += count;
    }
    for (const [start, end, symbol] of reference) {
      const place = model.labels.indexOf(view.data.fold[symbol] || symbol);
      if (place < 0) continue;
      const frame = make('span', 'frame');
      Object.assign(frame.style,
        {left: percent(start, view.data.duration), width: percent(end - start, view.data.duration),
        top: percent(place, total), height: percent(1, total)});
      lane.append(frame);
    }
    view.selectable(lane);
  }

  // Where an attention decoder read each letter of what it wrote: letters in their order from above, time across.
  function attention(view, {name, map, system}) {
    const lane = view.row(`${name} attention`, 'posteriorgram attention owner', '', system);
    const gutter = lane.previousSibling;
    const total = map.words.reduce((sum, [, letters]) => sum + letters, 0);
    lane.style.height = gutter.style.height = `${Math.min(Math.max(total * 4, 40), 320)}px`;
    lane.append(over(view, map,
      `Attention of ${name}: for each letter that it wrote, from the first at the top, where it read; darker is more`));
    let above = 0;
    for (const [word, letters] of map.words) {
      const mark = make('span', 'manner', letters / total > 0.04 ? word : ''), rule = make('span', 'rule');
      mark.style.top = rule.style.top = percent(above, total);
      mark.style.height = percent(letters, total);
      lane.append(rule, mark);
      above += letters;
    }
    view.selectable(lane);
  }

  // Reads a posteriorgram's picture back: a function of time that gives the likeliest phones, [phone, probability].
  // `ready` is called when it has been decoded; before, nothing is known.
  function reader(model, ready) {
    let alphas = null;
    alphasOf(model.png).then(read => {
      alphas = read;
      ready();
    });
    return (time, number = 3) => {
      const across = (time - model.start) / (model.end - model.start), total = model.labels.length;
      if (!alphas || across < 0 || across >= 1) return [];
      // Its darkness is the square root of the probability, so that what is improbable can be seen.
      return model.labels.map((label, row) => [label, alphas((row + 0.5) / total, across) ** 2])
        .sort((a, b) => b[1] - a[1]).slice(0, number).filter(([, probability]) => probability >= 0.01);
    };
  }

  return {segments, placed, apart, spikes, posteriorgram, attention, reader};
})();
