// Touch, mouse and keyboard on the map.

// gestures calls on.pan(dx, dy) and on.zoom(factor, x, y) for the map, on.drag(x, y) and
// on.step(dx, dy) when a pointer drags the handle or an arrow key moves it, and on.rest()
// when the drag or the steps end.
export function gestures(map, handle, on) {
  const down = new Map(); // pointer → its last position
  let dragging = null; // the pointer that drags the handle, and its offset
  let keyed; // timer after the last arrow key

  const position = event => {
    const box = map.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const spread = () => {
    const [[x, y], [u, v]] = down.values();
    return {apart: Math.hypot(u - x, v - y), x: (x + u) / 2, y: (y + v) / 2};
  };

  // Otherwise the browser treats the end of a swipe as a fling, and ignores a tap soon
  // after it, even on a button.
  map.addEventListener('touchstart', event => event.preventDefault(), {passive: false});
  map.addEventListener('pointerdown', event => {
    if (event.button !== 0) return;
    map.setPointerCapture(event.pointerId);
    down.set(event.pointerId, position(event));
    if (down.size > 1) return release(); // two fingers move the map
    if (handle.contains(event.target)) {
      const [x, y] = position(event), [atX, atY] = on.handle();
      dragging = {pointer: event.pointerId, dx: atX - x, dy: atY - y};
      handle.focus({preventScroll: true, focusVisible: false});
    }
    map.classList.add('dragging');
  });
  map.addEventListener('pointermove', event => {
    const last = down.get(event.pointerId);
    if (!last) return;
    const [x, y] = position(event);
    if (dragging) {
      down.set(event.pointerId, [x, y]);
      return on.drag(x + dragging.dx, y + dragging.dy);
    }
    const before = down.size === 2 && spread();
    down.set(event.pointerId, [x, y]);
    if (!before) return on.pan(x - last[0], y - last[1]);
    const now = spread();
    on.pan(now.x - before.x, now.y - before.y);
    if (before.apart > 0) on.zoom(now.apart / before.apart, now.x, now.y);
  });
  for (const over of ['pointerup', 'pointercancel']) {
    map.addEventListener(over, event => {
      if (!down.delete(event.pointerId)) return;
      if (dragging?.pointer === event.pointerId) release();
      if (down.size === 0) map.classList.remove('dragging');
    });
  }
  function release() {
    if (!dragging) return;
    dragging = null;
    on.rest();
  }
  map.addEventListener('wheel', event => {
    event.preventDefault();
    on.zoom(Math.exp(-Math.max(-200, Math.min(200, event.deltaY)) / 400), ...position(event));
  }, {passive: false});
  handle.addEventListener('keydown', event => {
    const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const size = event.shiftKey ? 10 : 1;
    on.step(step[0] * size, step[1] * size);
    clearTimeout(keyed);
    keyed = setTimeout(on.rest, 300);
  });
}
