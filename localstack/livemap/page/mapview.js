// The MapView draws all members from the feed, and this member and its peer from the
// member's own frames.
import {stateOf} from './feed.js';
import {gestures} from './gestures.js';
import {centre, distance, moved} from './geo.js';
import {Viewport} from './viewport.js';

const cityRadius = 9000; // metres that are shown at the start; some members drive farther, to the airport
const minSpan = 320; // metres that are shown at least
const maxNames = 60; // with more members, names are hidden
const arrowStep = 5; // metres for an arrow key

const get = id => document.getElementById(id);
const make = name => document.createElementNS('http://www.w3.org/2000/svg', name);

export class MapView {
  #view = new Viewport();
  #own; // "pool/member" of this tab
  #pool; // members of other pools are faint; undefined: only simulated members are
  #feed = {members: [], matches: []};
  #dots = new Map(); // pool/member → element
  #self = null; // {point, match, offered, waiting, online}
  #counts = null; // the cells of a nearby answer: {cell, count}
  #cells = []; // those on the map: {count, corners}
  #moved = false; // the user has moved or zoomed the map

  // on has move(point) and rest(), for the tab of a member.
  constructor({me, pool}, on) {
    this.#own = me && `${pool}/${me}`;
    this.#pool = me && pool;
    const byUser = act => (...a) => { this.#moved = true; act(...a); this.draw(); };
    gestures(get('map'), get('me'), {
      handle: () => this.#view.at(this.#self.point),
      pan: byUser((dx, dy) => this.#view.pan(dx, dy)),
      zoom: byUser((factor, x, y) => this.#view.zoom(factor, x, y)),
      drag: (x, y) => on.move(this.#view.point(x, y)),
      step: (east, north) => on.move(moved(this.#self.point, east * arrowStep, north * arrowStep)),
      rest: () => { on.rest(); this.#follow(); this.draw(); },
    });
    get('in').onclick = byUser(() => this.#view.zoom(1.6));
    get('out').onclick = byUser(() => this.#view.zoom(1 / 1.6));
    get('fit').onclick = byUser(() => this.#show(this.#feed.members));
    get('home').onclick = () => { this.#moved = false; this.#home(); this.draw(); };
    get('home').hidden = !me;
    fetch('/streets').then(async response => { // without streets the map works too
      if (response.ok) get('streets').setAttribute('d', await response.text());
    }).catch(() => {});
    new ResizeObserver(([{contentRect: {width, height}}]) => {
      const first = this.#view.width === 1;
      [this.#view.width, this.#view.height] = [Math.max(2, width), Math.max(2, height)];
      // A later resize keeps the centre and the scale, since the user may be dragging.
      if (first) this.#home();
      this.draw();
    }).observe(get('map'));
  }

  feed(feed) {
    const first = this.#feed.members.length === 0;
    this.#feed = feed;
    if (!this.#own && !this.#moved && (first || this.#inView().some(m => !this.#view.shows(m, 10)))) this.#show(this.#inView());
    this.draw();
  }

  self(self) {
    const matched = self.match && !this.#self?.match;
    this.#self = self;
    if (matched) this.#follow();
    this.draw();
  }

  // counts shows how many members the cells of a nearby answer have, or with null nothing.
  async counts(counts) {
    if (counts === this.#counts) return;
    this.#counts = counts;
    const cells = await Promise.all((counts ?? []).map(async ({cell, count}) => ({count, corners: await cornersOf(cell)}))).catch(() => []);
    if (counts !== this.#counts) return; // there is a newer answer
    this.#cells = cells;
    this.#moved = cells.length > 0;
    if (this.#moved) this.#view.fit([this.#self.point, ...cells.flatMap(cell => cell.corners)], minSpan);
    else this.#home();
    this.draw();
  }

  #home() {
    if (this.#self) {
      this.#view.centre = this.#self.point;
      this.#view.span(minSpan);
      this.#follow();
    } else {
      this.#show(this.#inView());
    }
  }

  // follow brings this member and its peer into view, unless the user has moved the map.
  #follow() {
    if (this.#moved || !this.#self) return;
    const points = [this.#self.point, ...(this.#self.match ? [this.#self.match.peer] : [])];
    if (!points.every(p => this.#view.shows(p))) this.#view.fit(points, minSpan);
  }

  // inView returns the members to fit: all except simulated members far from the city.
  #inView() {
    return this.#feed.members.filter(m => m.pool !== 'city' || distance(m, centre) < cityRadius);
  }

  #show(members) {
    const points = [...members, ...(this.#self ? [this.#self.point] : [])];
    if (points.length === 0) this.#view.span(2000);
    else this.#view.fit(points, minSpan);
  }

  draw() {
    const view = this.#view;
    const side = 64 * 2 ** Math.ceil(Math.log2(view.scale)) / view.scale; // pixels; of a hexagon
    const [x, y] = view.at(centre); // so that the hexagons move with the map
    get('hexagons').setAttribute('patternTransform', `translate(${x} ${y}) scale(${side / 2})`);
    set(get('streets'), 'transform', `translate(${x} ${y}) scale(${1 / view.scale})`);
    this.#drawScale();
    this.#drawCells();
    this.#drawFeed();
    if (this.#self) this.#drawSelf();
  }

  #drawScale() {
    const aim = 100 * this.#view.scale, power = 10 ** Math.floor(Math.log10(aim));
    const meters = power * [5, 2, 1].find(n => n * power <= aim);
    document.querySelector('#scale i').style.width = `${meters / this.#view.scale}px`;
    document.querySelector('#scale span').textContent = meters < 1000 ? `${meters} m` : `${meters / 1000} km`;
  }

  #drawCells() {
    get('cells').replaceChildren(...this.#cells.flatMap(({count, corners}) => {
      const places = corners.map(corner => this.#view.at(corner));
      const outline = make('polygon'), label = make('text');
      outline.setAttribute('points', places.join(' '));
      // Halfway to the top corner, since this member is often in the middle.
      const top = places.reduce((a, b) => a[1] < b[1] ? a : b);
      for (const [i, axis] of ['x', 'y'].entries()) label.setAttribute(axis, (top[i] + places.reduce((sum, place) => sum + place[i], 0) / places.length) / 2);
      label.textContent = count;
      return [outline, label];
    }));
  }

  #drawFeed() {
    const {members, matches} = this.#feed;
    const faint = m => this.#pool ? m.pool !== this.#pool : m.pool === 'city';
    const peerKey = matches.find(pair => pair.includes(this.#own))?.find(key => key !== this.#own);
    const places = new Map();
    const labelled = members.filter(m => !faint(m)).length <= maxNames;
    for (const m of members) {
      const key = `${m.pool}/${m.member}`;
      const place = this.#view.at(m);
      places.set(key, {place, faint: faint(m)});
      let dot = this.#dots.get(key);
      if (!dot) {
        dot = make('g');
        dot.append(make('circle'), make('text'), make('title'));
        dot.children[1].setAttribute('y', -12);
        dot.children[2].textContent = key;
        this.#dots.set(key, dot);
        get('dots').append(dot);
      }
      set(dot, 'transform', `translate(${place[0].toFixed(1)} ${place[1].toFixed(1)})`);
      set(dot, 'class', [stateOf(m), ...(faint(m) ? ['other'] : [])].join(' '));
      const name = labelled && !faint(m) && key !== peerKey ? m.member : '';
      if (dot.children[1].textContent !== name) dot.children[1].textContent = name;
      // This member, and a matchee that it follows, are drawn from its own frames.
      const drawn = key === this.#own && this.#self || key === peerKey && this.#self?.match?.role === 'matcher';
      set(dot, 'visibility', drawn ? 'hidden' : 'visible');
    }
    for (const [key, dot] of this.#dots) {
      if (places.has(key)) continue;
      dot.remove();
      this.#dots.delete(key);
    }
    const pairs = matches.filter(pair => pair.every(key => places.has(key)) && !(this.#self && pair.includes(this.#own)));
    const lines = get('lines');
    while (lines.children.length < pairs.length) lines.append(make('line'));
    while (lines.children.length > pairs.length) lines.lastChild.remove();
    pairs.forEach((pair, i) => {
      const [from, to] = pair.map(key => places.get(key));
      join(lines.children[i], from.place, to.place);
      set(lines.children[i], 'class', from.faint ? 'other' : '');
    });
  }

  #drawSelf() {
    const {point, match, offered, waiting, online} = this.#self;
    const here = this.#view.at(point);
    const me = get('me'), peer = get('peer'), matchLine = get('match-line');
    set(me, 'visibility', 'visible');
    set(me, 'transform', `translate(${here})`);
    set(me, 'class', [offered ? 'offered' : waiting && 'waiting', !online && 'offline'].filter(Boolean).join(' '));
    for (const part of [peer, matchLine]) set(part, 'visibility', match ? 'visible' : 'hidden');
    if (!match) return;
    const there = this.#view.at(match.peer), fixed = match.role === 'matchee' ? 'fixed' : '';
    set(peer, 'transform', `translate(${there})`);
    set(peer, 'class', fixed);
    const label = peer.lastElementChild, above = there[1] < here[1];
    label.textContent = fixed ? 'asked here' : 'your match';
    set(label, 'y', above ? '-22' : '30'); // away from the line
    set(me.lastElementChild, 'y', above ? '32' : '-21');
    set(matchLine, 'class', fixed);
    join(matchLine, here, there);
  }
}

// cornersOf gets the corners of a cell, which the page cannot work out from its name.
async function cornersOf(cell) {
  const response = await fetch(`/cells/${cell}`);
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function join(line, [x1, y1], [x2, y2]) {
  for (const [name, value] of Object.entries({x1, y1, x2, y2})) set(line, name, value.toFixed(1));
}
