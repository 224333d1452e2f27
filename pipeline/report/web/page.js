// The page: loads the utterances that come into view, and switches to IPA.
'use strict';

(() => {
  const {load} = phonoscope;
  const panels = [];
  // Phones are in IPA, where the phone set has it, until a reader wants names.
  let ipa = phonoscope.remembered('ipa', Object.values(phonoscope.IPA).some(Boolean));

  // #t=0.33 in the address: the reference phone there is what the reader came for.
  function visit(panel) {
    const time = Number(new URLSearchParams(location.hash.slice(1)).get('t') || NaN);
    const phone = panel.rows[1]?.find(button => button.start <= time && time < button.end);
    if (phone) panel.focus(phone);
  }

  async function open(article) {
    try {
      const panel = new phonoscope.Panel(article, await load(`${article.dataset.panel}sound.js`));
      await panel.draw();
      panels.push(panel);
      visit(panel);
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
      panels.forEach(panel => panel.relabel());
      phonoscope.retell(document);
      exchange(document);
    });
    document.addEventListener('keydown', event => { if (event.key === 'Escape') phonoscope.player.stop(); });
    window.addEventListener('hashchange', () => panels.forEach(visit));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change',
      () => panels.forEach(panel => panel.layout()));
    phonoscope.index.begin();
    phonoscope.voice.begin();
  }

  document.addEventListener('DOMContentLoaded', begin);
})();
