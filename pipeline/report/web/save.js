// Pictures of the page as files: SVG, and PNG at three times their size.
'use strict';

phonoscope.save = (() => {
  const {make} = phonoscope;
  const FINER = 3;
  // What a style sheet says of a drawing, and a file of its own has to say itself.
  const LOOK = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-opacity', 'stroke-dasharray',
    'stroke-linecap', 'stroke-linejoin', 'opacity', 'paint-order', 'font-family', 'font-size', 'font-weight',
    'font-style', 'text-anchor', 'visibility', 'display'];

  const lookOf = element => {
    const look = getComputedStyle(element);
    return LOOK.map(name => `${name}:${look.getPropertyValue(name)}`).join(';');
  };

  // The drawing as the text of a file: with its look, on its ground, and its size in pixels.
  function svgText(svg) {
    const copy = svg.cloneNode(true), box = svg.viewBox.baseVal;
    const [width, height] = box?.width ? [box.width, box.height] : [svg.clientWidth, svg.clientHeight];
    const theirs = [svg, ...svg.querySelectorAll('*')], ours = [copy, ...copy.querySelectorAll('*')];
    if (svg.isConnected) theirs.forEach((element, number) => {  // else it was made for a file
      ours[number].setAttribute('style', lookOf(element));
      for (const name of ['class', 'tabindex', 'role']) ours[number].removeAttribute(name);
    });
    const ground = phonoscope.makeSvg('rect', {x: box?.x || 0, y: box?.y || 0, width, height,
      fill: getComputedStyle(document.body).backgroundColor});
    copy.prepend(ground);
    const size = {width, height, viewBox: [box?.x || 0, box?.y || 0, width, height].join(' ')};
    Object.entries(size).forEach(([name, value]) => copy.setAttribute(name, value));
    return new XMLSerializer().serializeToString(copy);
  }

  // Hand the reader a file.
  function file(name, content) {
    const link = make('a');
    link.href = URL.createObjectURL(content);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  async function png(text) {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await image.decode();
    const canvas = make('canvas');
    Object.assign(canvas, {width: FINER * image.width, height: FINER * image.height});
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise(resolve => canvas.toBlob(resolve));
  }

  const nameOf = text => text.normalize('NFKD').replace(/[^\w.-]+/g, '-').replace(/^-+|-+$/g, '') || 'picture';

  // A button that saves what is called `name` as a file of a kind.
  function button(name, kind, action) {
    const element = make('button', 'control', kind);
    element.type = 'button';
    element.setAttribute('aria-label', `Save ${name} as ${kind}`);
    element.addEventListener('click', action);
    return element;
  }

  // Buttons that save what `drawn()` gives, an SVG element, under a name without its ending.
  function buttons(name, drawn) {
    const group = make('span', 'save');
    const add = (kind, action) => group.append(button(name, kind, action));
    add('SVG', () => file(`${nameOf(name)}.svg`, new Blob([svgText(drawn())], {type: 'image/svg+xml'})));
    add('PNG', async () => file(`${nameOf(name)}.png`, await png(svgText(drawn()))));
    return group;
  }

  // Each drawing of a figure has its buttons below it.
  function figures(root) {
    root.querySelectorAll('figure svg[aria-label]').forEach(svg => {
      const figure = svg.closest('figure'), [name] = svg.getAttribute('aria-label').split(';');
      if (!figure.querySelector('.save')) figure.append(buttons(name, () => svg));
    });
  }

  document.addEventListener('DOMContentLoaded', () => figures(document));

  return {svgText, lookOf, file, nameOf, png, button, buttons, figures};
})();
