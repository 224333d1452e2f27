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
      phonoscope.spell(figure);
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
      } catch (error) {
        told(chooser, error);
      }
    });
  }

  const told = (chooser, error) => chooser.append(phonoscope.make('output', 'quiet', error.message));

  function begin() {
    document.querySelectorAll('.figure-chooser').forEach(figures);
    document.querySelectorAll('.pairs-chooser').forEach(pairs);
    // A heat map's squares are read out where there is room for it.
    document.querySelectorAll('.maps').forEach(maps => maps.addEventListener('pointerover', ({target}) => {
      const title = target.closest('rect')?.querySelector('title');
      if (title) target.closest('figure').querySelector('.readout').textContent = title.textContent;
    }));
  }

  return {begin};
})();
