// Wheel, two fingers and dragging over a picture.
'use strict';

phonoscope.gestures = (() => {
  const MOVED = 4;  // pixels that make a click a drag

  // The wheel scrolls as it does everywhere; with Ctrl (or Command, or two fingers on a touchpad) it zooms where the
  // pointer is.
  function wheel(view) {
    let turned = 0, at = 0;
    view.scroller.addEventListener('wheel', event => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      if (!turned) requestAnimationFrame(() => {
        const factor = 2 ** Math.min(Math.max(-turned / 200, -1.5), 1.5);
        turned = 0;
        view.setZoom(view.zoom * factor, at);
      });
      at = view.timeAt(event.clientX);
      turned += event.deltaY * [1, 20, 200][event.deltaMode] || 1e-9;
    }, {passive: false});
  }

  // Two fingers apart zoom where they are. One scrolls, as everywhere.
  function pinch(view) {
    let begin = null;
    const span = ([a, b]) => Math.max(Math.abs(a.clientX - b.clientX), Math.abs(a.clientY - b.clientY), 10);
    const middle = ([a, b]) => (a.clientX + b.clientX) / 2;
    const move = event => {
      if (!begin || event.touches.length !== 2) return;
      event.preventDefault();
      view.setZoom(begin.zoom * span(event.touches) / begin.span, begin.time);
    };
    const end = () => { begin = null; };
    // What the fingers are on hears of them, even when zooming has taken it out of the document.
    view.scroller.addEventListener('touchstart', ({touches}) => {
      begin = touches.length === 2 ? {span: span(touches), zoom: view.zoom, time: view.timeAt(middle(touches))} : null;
      for (const {target} of begin ? touches : []) {
        target.addEventListener('touchmove', move, {passive: false});
        target.addEventListener('touchend', end);
      }
    }, {passive: true});
  }

  // Over the sound and frame maps a drag selects; elsewhere it moves the picture, and with Shift it selects as well.
  function drag(view) {
    let dragged = false;
    view.scroller.addEventListener('click', event => { if (dragged) event.stopPropagation(); }, {capture: true});
    view.scroller.addEventListener('pointerdown', event => {
      dragged = false;
      if (event.button !== 0 || !event.target.closest('.timeline')) return;
      const lane = event.target.closest('.selectable'), isMouse = event.pointerType === 'mouse';
      if (!lane && !isMouse) return;  // a finger scrolls
      if (event.target.closest('.name, .heading, .note, .explanation')) return;
      const hold = lane || event.shiftKey ? view.selecting(event) : moving(view, event), onItem = !lane;
      let moved = false;
      const move = at => {
        moved ||= Math.hypot(at.clientX - event.clientX, at.clientY - event.clientY) >= MOVED;
        if (moved && isMouse) view.scroller.setPointerCapture(event.pointerId);
        if (moved) hold.move(at);
      };
      const cancel = () => {
        for (const [name, does] of Object.entries(listeners)) view.scroller.removeEventListener(name, does);
        view.scroller.classList.remove('moving');
      };
      const up = at => {
        cancel();
        if (moved || !onItem) hold.end(at, moved);
        dragged = moved;
      };
      const listeners = {pointermove: move, pointerup: up, pointercancel: cancel};
      for (const [name, does] of Object.entries(listeners)) view.scroller.addEventListener(name, does);
    });
  }

  function moving(view, event) {
    const {left} = view, top = view.scroller.scrollTop;
    return {
      move: at => {
        view.scroller.classList.add('moving');
        view.scroller.scrollTop = top - (at.clientY - event.clientY);
        view.move(left - (at.clientX - event.clientX));
      },
      end: () => {},
    };
  }

  return view => [wheel, pinch, drag].forEach(listen => listen(view));
})();
