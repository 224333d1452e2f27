// The index: figures and pairs of the systems that a reader chooses.
'use strict';

phonoscope.index = (() => {
  const {load} = phonoscope;

  // HTML that the report wrote, as an element.
  const parsed = html => {
    const template = document.createElement('template');
    template.innerHTML = html;
    return template.content;
  };

  const part = number => load(`systems/${number}.js`);

  // Figures stay in the order of the systems, whatever the order in which they are chosen.
  async function show(maps, kind, number, wanted) {
    const find = () => maps.querySelector(`figure[data-system="${number}"]`);
    if (!find() && wanted()) {
      const html = (await part(number))[kind];
      if (find()) return;
      const figure = parsed(html).firstElementChild;
      const later = [...maps.children].find(other => Number(other.dataset.system) > number);
      maps.insertBefore(figure, later || null);
      figure.querySelectorAll('table').forEach(records);
      phonoscope.spell(figure);
      phonoscope.save.figures(maps);
    }
    find()?.toggleAttribute('hidden', !wanted());
  }

  function figures(chooser) {
    const maps = chooser.nextElementSibling;
    chooser.hidden = false;
    chooser.addEventListener('change', ({target}) => {
      show(maps, chooser.dataset.kind, Number(target.value), () => target.checked).catch(error => told(chooser, error));
    });
  }

  function pairs(chooser) {
    const select = chooser.querySelector('select'), rows = chooser.parentNode.querySelector('table.pairs tbody');
    chooser.hidden = false;
    select.addEventListener('change', async () => {
      const number = select.value;
      try {
        const {pairs: html} = await part(number);
        if (select.value === number) rows.innerHTML = html;
        records(rows.closest('table'));
      } catch (error) {
        told(chooser, error);
      }
    });
  }

  // A heat map's square is read out where there is room for it.
  function read(square) {
    const title = square?.querySelector('title');
    if (title) square.closest('figure').querySelector('.readout').textContent = title.textContent;
  }

  const STEPS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  const placeOf = square => ['x', 'y'].map(name => Number(square.getAttribute(name)));

  // Arrow keys go from square to square of a heat map: to the next in that direction, of equals the nearest to the
  // line.
  function walk(event) {
    const map = event.target.closest('svg.heat'), step = STEPS[event.key];
    if (!map || !step) return;
    event.preventDefault();
    const here = map.querySelector('rect.here');
    const squares = [...map.querySelectorAll('g > rect')];
    const [x, y] = here ? placeOf(here) : [-1, -1];
    const away = square => {
      const [right, down] = placeOf(square).map((value, axis) => value - [x, y][axis]);
      const along = right * step[0] + down * step[1], across = Math.abs(right * step[1]) + Math.abs(down * step[0]);
      return along > 0 ? along + 100 * across : Infinity;
    };
    const next = here ? squares.reduce((a, b) => (away(b) < away(a) ? b : a)) : squares[0];
    if (here && away(next) === Infinity) return;
    here?.classList.remove('here');
    next.classList.add('here');
    map.closest('figure').querySelector('.readout').setAttribute('aria-live', 'polite');
    read(next);
  }

  // Each cell knows the heads of its column, which in a narrow window stand before it (report.css); as the table is no
  // grid there, what is a table, a row, a head is said, too.
  function records(table) {
    const columns = [];
    const role = (selector, name) => table.querySelectorAll(selector).forEach(one => one.setAttribute('role', name));
    for (const row of table.tHead?.rows || []) {
      let column = 0;
      for (const {colSpan, textContent} of row.cells) {
        for (let i = 0; i < colSpan; i += 1, column += 1) (columns[column] ??= []).push(textContent.trim());
      }
    }
    for (const row of [...table.tBodies].flatMap(body => [...body.rows])) {
      let column = 0;
      for (const cell of row.cells) {
        if (cell.tagName === 'TD' && cell.colSpan === 1) cell.dataset.head = (columns[column] || []).join(' ').trim();
        column += cell.colSpan;
      }
    }
    table.classList.add('records');
    table.setAttribute('role', 'table');
    role('thead, tbody', 'rowgroup');
    role('tr', 'row');
    role('thead th', 'columnheader');
    role('tbody th', 'rowheader');
    role('td', 'cell');
  }

  const told = (chooser, error) => chooser.append(phonoscope.make('output', 'quiet', error.message));

  function begin() {
    document.querySelectorAll('.wide table').forEach(records);
    document.querySelectorAll('.figure-chooser').forEach(figures);
    document.querySelectorAll('.pairs-chooser').forEach(pairs);
    document.querySelectorAll('.maps').forEach(maps => {
      maps.addEventListener('pointerover', ({target}) => read(target.closest('rect')));
      maps.addEventListener('keydown', walk);
    });
  }

  return {begin};
})();
