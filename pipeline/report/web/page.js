// The page: loads the utterances that come into view, switches to IPA, and reads the heat maps out.
'use strict';

(() => {
  const panels = [];

  phonoscope.receive = data => {
    const panel = new phonoscope.Panel(document.currentScript.article, data);
    panels.push(panel);
    visit(panel);
  };

  // #t=0.33 in the address: the reference phone there is what the reader came for.
  function visit(panel) {
    const time = Number(new URLSearchParams(location.hash.slice(1)).get('t') || NaN);
    const phone = panel.rows[1]?.find(button => button.start <= time && time < button.end);
    if (phone) panel.focus(phone);
  }

  function load(article) {
    const script = phonoscope.make('script');
    script.src = article.dataset.panel;
    script.article = article;
    script.onerror = () => {
      article.querySelector('.view').textContent = `${article.dataset.panel} is missing: the report's folder is not complete.`;
    };
    document.head.append(script);
  }

  function begin() {
    const seen = new IntersectionObserver(entries => entries.filter(entry => entry.isIntersecting).forEach(entry => {
      seen.unobserve(entry.target);
      load(entry.target);
    }), {rootMargin: '800px'});
    document.querySelectorAll('.panel').forEach(article => seen.observe(article));

    document.querySelector('.ipa-switch').addEventListener('change', event => {
      document.documentElement.classList.toggle('ipa', event.target.checked);
      panels.forEach(panel => panel.relabel());
      document.querySelectorAll('[data-ipa]').forEach(label => {
        const text = label.textContent;
        label.textContent = label.dataset.ipa;
        label.dataset.ipa = text;
      });
    });
    document.addEventListener('keydown', event => { if (event.key === 'Escape') phonoscope.player.stop(); });
    window.addEventListener('hashchange', () => panels.forEach(visit));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => panels.forEach(panel => panel.layout()));
    document.querySelectorAll('.confusion').forEach(figure => {
      figure.addEventListener('pointerover', event => {
        const title = event.target.closest('rect')?.querySelector('title');
        if (title) figure.querySelector('.readout').textContent = title.textContent;
      });
    });
  }

  document.addEventListener('DOMContentLoaded', begin);
})();
