// The controls over an utterance's picture.
'use strict';

phonoscope.toolbar = (() => {
  const {make, lattice} = phonoscope;

  // The buttons and lists of `panel`; those for lattices are its `controls`, which it hides when none are drawn.
  function toolbar(panel) {
    const bar = make('div', 'toolbar'), {systems, id, duration} = panel.data;
    bar.setAttribute('role', 'group');
    bar.setAttribute('aria-label', `Controls of ${id}`);
    const button = (label, name, action) => {
      const element = make('button', 'control', label);
      element.type = 'button';
      element.setAttribute('aria-label', name);
      element.addEventListener('click', () => action(element));
      bar.append(element);
      return element;
    };
    button('▶ play', 'Play the whole utterance', () => panel.play(0, duration));
    button('■', 'Stop', () => phonoscope.player.stop());
    button('½ speed', 'Half speed', element => {
      panel.rate = panel.rate === 1 ? 0.5 : 1;
      element.setAttribute('aria-pressed', String(panel.rate !== 1));
    }).setAttribute('aria-pressed', 'false');
    button('−', 'Zoom out', () => panel.zoomOut());
    button('+', 'Zoom in', () => panel.zoomIn());
    bar.append(phonoscope.voice.buttons());
    if (systems.length > 1) bar.append(chooser(panel));
    if (systems.length > 2) {
      button('all systems', 'Show what the other systems heard as well', element => {
        panel.all = !panel.all;
        panel.keep('all', panel.all);
        element.setAttribute('aria-pressed', String(panel.all));
        panel.draw();
      }).setAttribute('aria-pressed', String(panel.all));
    }
    bar.append(latticeControls(panel), phonoscope.picture.buttons(panel));
    return bar;
  }

  // Which two systems stand face to face; each list stands behind the mark of the system it shows.
  function chooser(panel) {
    const group = make('span', 'chooser'), {systems} = panel.data;
    const lists = ['compare', 'with'].map((word, side) => {
      const label = make('label', '', `${word} `), mark = make('span'), select = make('select');
      select.append(...systems.map(system => new Option(system.name)));
      select.addEventListener('change', () => {
        panel.compare(side, select.selectedIndex);
        show();
      });
      label.append(mark, select);
      group.append(label);
      return {mark, select};
    });
    const show = () => lists.forEach(({mark, select}, side) => {
      select.selectedIndex = panel.compared[side];
      mark.className = `system s${panel.compared[side]}`;
    });
    show();
    return group;
  }

  // Which search's lattices are drawn, and how much of them.
  function latticeControls(panel) {
    panel.controls = make('span', 'lattice-controls');
    const label = make('label', '', 'lattices of '), select = make('select');
    select.append(...Object.entries(lattice.SEARCHES).map(([graph, title]) => new Option(title, graph)));
    select.value = panel.graph;
    select.addEventListener('change', () => {
      panel.graph = select.value;
      panel.keep('graph', panel.graph);
      panel.draw();
    });
    label.append(select);
    panel.controls.append(label, pruner(panel));
    return panel.controls;
  }

  function pruner(panel) {
    const label = make('label', 'prune'), slider = make('input'), value = make('span', 'prune-value');
    const {floor} = panel;
    Object.assign(slider, {type: 'range', min: '-2', max: '0', step: '0.1', value: Math.log10(floor).toFixed(1)});
    slider.setAttribute('aria-label', 'Hide lattice arcs whose posterior is below');
    const show = () => {
      panel.floor = 10 ** Number(slider.value);
      value.textContent = `${(100 * panel.floor).toFixed(panel.floor < 0.1 ? 1 : 0)} %`;
      slider.setAttribute('aria-valuetext', value.textContent);
    };
    slider.addEventListener('input', () => {
      show();
      panel.prune();
    });
    show();
    label.append(make('span', '', 'hide arcs below'), slider, value);
    return label;
  }

  return toolbar;
})();
