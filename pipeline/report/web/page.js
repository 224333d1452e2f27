// The page: loads the utterances that come into view, and switches to IPA.
'use strict';

(() => {
  const {load, address} = phonoscope;
  const panels = [];
  // Phones are in IPA, where the phone set has it, until a reader wants names.
  let ipa = phonoscope.remembered('ipa', Object.values(phonoscope.IPA).some(Boolean));

  async function open(article) {
    try {
      const sound = await load(`${article.dataset.panel}sound.js`);
      const panel = new phonoscope.Panel(article, {...sound, ...JSON.parse(article.dataset.placed || '{}')});
      await panel.draw();
      panels.push(panel);
      address.begin(panel);
    } catch (error) {
      article.querySelector('.view').textContent = error.message;
    }
  }

  // Exchange the names of phones with their IPA, which is their data-ipa or that of the page; where figures come later,
  // they are spelled as the page is.
  function exchange(root) {
    root.querySelectorAll('[data-ipa]').forEach(label => {
      const text = label.textContent;
      label.textContent = label.dataset.ipa || phonoscope.IPA[text] || text;
      label.dataset.ipa = text;
    });
  }
  phonoscope.spell = root => { if (ipa) exchange(root); };

  // On an utterance's own page + and - zoom wherever the focus is, in the index where it is in a picture; but not where
  // one writes or chooses.
  function key(event) {
    if (event.key === 'Escape') phonoscope.player.stop();
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.('input, select, textarea')) return;
    const panel = panels.find(one => one.alone || one.root.contains(event.target));
    if (event.key === '+' || event.key === '=') panel?.zoomIn();
    if (event.key === '-') panel?.zoomOut();
  }

  function begin() {
    const seen = new IntersectionObserver(entries => entries.filter(entry => entry.isIntersecting).forEach(entry => {
      seen.unobserve(entry.target);
      open(entry.target);
    }), {rootMargin: '800px'});
    document.querySelectorAll('.panel').forEach(article => seen.observe(article));

    const spelling = document.querySelector('.ipa-switch');
    spelling.checked = ipa;
    document.documentElement.classList.toggle('ipa', ipa);
    phonoscope.spell(document);
    spelling.addEventListener('change', () => {
      ipa = spelling.checked;
      phonoscope.remember('ipa', ipa);
      document.documentElement.classList.toggle('ipa', ipa);
      phonoscope.retell();
      panels.forEach(panel => panel.respell());
      exchange(document);
    });
    document.addEventListener('keydown', key);
    window.addEventListener('hashchange', () => panels.forEach(address.follow));
    window.addEventListener('beforeprint', () => panels.forEach(panel => panel.showAll()));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change',
      () => panels.forEach(panel => panel.layout()));
    phonoscope.index.begin();
    phonoscope.voice.begin();
  }

  document.addEventListener('DOMContentLoaded', begin);
})();
