// What a reader looks at, kept in the page's address: a copied link shows another the same.
'use strict';

phonoscope.address = (() => {
  const AFTER_MS = 250;  // a browser takes few changes a second

  const read = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const number = text => (text === undefined || text === '' ? NaN : Number(text));

  // What the address says of `panel`: `t` (s) and `phone` of the segment that was visited, `in` which row it is; which
  // systems are compared (`pair`), of which search are the lattices; `zoom`, and the second `at` the left edge; the
  // selected stretch (`from`, `to`). Times to 0.1 ms.
  function of(panel) {
    const {visited, selected, data, compared, graph, zoom} = panel, said = {};
    const time = seconds => String(Number(seconds.toFixed(4)));
    if (visited) {
      said.t = time((visited.start + visited.end) / 2);
      said.phone = visited.symbol;
      said.in = visited.track.lane.getAttribute('aria-label');
    }
    said.pair = compared.map(one => data.systems[one].name).join(',');
    said.lattices = graph;
    if (zoom !== 1) said.zoom = zoom.toFixed(3);
    if (panel.left > 0) said.at = time(panel.inView().from);
    if (selected) [said.from, said.to] = selected.map(time);
    return new URLSearchParams(said).toString();
  }

  // Soon, so that what changes at once is written once.
  function keep(panel) {
    clearTimeout(panel.writing);
    panel.writing = setTimeout(() => {
      try {
        history.replaceState(null, '', `#${of(panel)}`);
      } catch { /* a browser that does not let a page from disk do so */ }
    }, AFTER_MS);
  }

  // Show what the address says; without a row, `t` is the time of a phone of the reference.
  function restore(panel) {
    const said = read(), t = number(said.t);
    const track = panel.tracks.find(({lane}) => lane.getAttribute('aria-label') === (said.in || 'reference phones'));
    const there = (track?.items || []).filter(one => one.start <= t && t < one.end && !one.hidden);
    const target = there.find(one => one.symbol === said.phone) || there[0];
    if (target?.symbol !== undefined) panel.focus(target);
    if (!panel.alone) return;
    if (said.zoom) panel.setZoom(number(said.zoom) || 1);
    if (said.at) panel.moveTo(number(said.at) || 0);
    const [from, to] = [number(said.from), Math.min(number(said.to), panel.data.duration)];
    if (from >= 0 && to > from) panel.select(from, to);
  }

  return {read, keep, restore};
})();
