// The Board draws: everybody as the feed has them, and this member and its peer
// as its own frames have them.
import {gestures} from './gestures.js';
import {centre, distance, moved} from './geo.js';
import {View} from './view.js';

const town = 9000; // metres from the centre that are shown from the start: some drive to the airport
const near = 320; // metres across, around this member
const names = 60; // members whose names are shown; more are too many to read
const step = 5; // metres of an arrow key

const get = id => document.getElementById(id);
const make = name => document.createElementNS('http://www.w3.org/2000/svg', name);

export class Board {
  #view = new View();
  #own; // "pool/member" of this tab
  #pool; // whose members are not faint; undefined: of all but the simulated
  #feed = {members: [], matches: []};
  #dots = new Map(); // pool/member → its element
  #self = null; // {point, match, waiting, online}
  #free = false; // the viewer has chosen what to see

  // on has move(point) and rest(), for a tab that is a member.
  constructor({me, pool}, on) {
    this.#own = me && `${pool}/${me}`;
    this.#pool = me && pool;
    const chosen = act => (...a) => { this.#free = true; act(...a); this.draw(); };
    gestures(get('map'), get('me'), {
      handle: () => this.#view.at(this.#self.point),
      pan: chosen((dx, dy) => this.#view.pan(dx, dy)),
      zoom: chosen((factor, x, y) => this.#view.zoom(factor, x, y)),
      drag: (x, y) => on.move(this.#view.point(x, y)),
      step: (east, north) => on.move(moved(this.#self.point, east * step, north * step)),
      rest: () => { on.rest(); this.#follow(); this.draw(); },
    });
    get('in').onclick = chosen(() => this.#view.zoom(1.6));
    get('out').onclick = chosen(() => this.#view.zoom(1 / 1.6));
    get('fit').onclick = chosen(() => this.#show(this.#feed.members));
    get('home').onclick = () => { this.#free = false; this.#home(); this.draw(); };
    get('home').hidden = !me;
    fetch('/streets').then(async answer => { // the map does without
      if (answer.ok) get('streets').setAttribute('d', await answer.text());
    }).catch(() => {});
    new ResizeObserver(([{contentRect: {width, height}}]) => {
      const first = this.#view.width === 1;
      [this.#view.width, this.#view.height] = [Math.max(2, width), Math.max(2, height)];
      // Later ones keep the centre and the scale: somebody may be dragging.
      if (first) this.#home();
      this.draw();
    }).observe(get('map'));
  }

  feed(feed) {
    const first = this.#feed.members.length === 0;
    this.#feed = feed;
    if (!this.#own && !this.#free && (first || this.#about().some(m => !this.#view.shows(m, 10)))) this.#show(this.#about());
    this.draw();
  }

  self(self) {
    const matched = self.match && !this.#self?.match;
    this.#self = self;
    if (matched) this.#follow();
    this.draw();
  }

  #home() {
    if (this.#self) {
      this.#view.centre = this.#self.point;
      this.#view.span(near);
      this.#follow();
    } else {
      this.#show(this.#about());
    }
  }

  // follow brings this member and its peer into view, unless the viewer looks
  // elsewhere.
  #follow() {
    if (this.#free || !this.#self) return;
    const points = [this.#self.point, ...(this.#self.match ? [this.#self.match.peer] : [])];
    if (!points.every(p => this.#view.shows(p))) this.#view.fit(points, near);
  }

  // about is everybody but simulated members out of town.
  #about() {
    return this.#feed.members.filter(m => m.pool !== 'city' || distance(m, centre) < town);
  }

  #show(members) {
    const points = [...members, ...(this.#self ? [this.#self.point] : [])];
    if (points.length === 0) this.#view.span(2000);
    else this.#view.fit(points, near);
  }

  draw() {
    const view = this.#view;
    const side = 64 * 2 ** Math.ceil(Math.log2(view.scale)) / view.scale; // pixels; of a comb's cell
    const [x, y] = view.at(centre); // so that the comb stays with the ground
    get('comb').setAttribute('patternTransform', `translate(${x} ${y}) scale(${side / 2})`);
    set(get('streets'), 'transform', `translate(${x} ${y}) scale(${1 / view.scale})`);
    this.#drawScale();
    this.#drawFeed();
    if (this.#self) this.#drawSelf();
  }

  #drawScale() {
    const aim = 100 * this.#view.scale, power = 10 ** Math.floor(Math.log10(aim));
    const meters = power * [5, 2, 1].find(n => n * power <= aim);
    document.querySelector('#scale i').style.width = `${meters / this.#view.scale}px`;
    document.querySelector('#scale span').textContent = meters < 1000 ? `${meters} m` : `${meters / 1000} km`;
  }

  #drawFeed() {
    const {members, matches} = this.#feed;
    const faint = m => this.#pool ? m.pool !== this.#pool : m.pool === 'city';
    const partner = matches.find(pair => pair.includes(this.#own))?.find(key => key !== this.#own);
    const places = new Map();
    const labelled = members.filter(m => !faint(m)).length <= names;
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
      set(dot, 'class', [m.match ? 'matched' : m.waiting ? 'waiting' : 'free', ...(faint(m) ? ['other'] : [])].join(' '));
      const name = labelled && !faint(m) && key !== partner ? m.member : '';
      if (dot.children[1].textContent !== name) dot.children[1].textContent = name;
      // This member, and one whose moves it is shown, are drawn from its own frames.
      const drawn = key === this.#own && this.#self || key === partner && this.#self?.match?.role === 'matcher';
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
    const {point, match, waiting, online} = this.#self;
    const here = this.#view.at(point);
    const me = get('me'), peer = get('peer'), bond = get('bond');
    set(me, 'visibility', 'visible');
    set(me, 'transform', `translate(${here})`);
    set(me, 'class', [waiting && 'waiting', !online && 'offline'].filter(Boolean).join(' '));
    for (const part of [peer, bond]) set(part, 'visibility', match ? 'visible' : 'hidden');
    if (!match) return;
    const there = this.#view.at(match.peer), fixed = match.role === 'matchee' ? 'fixed' : '';
    set(peer, 'transform', `translate(${there})`);
    set(peer, 'class', fixed);
    const label = peer.lastElementChild, above = there[1] < here[1];
    label.textContent = fixed ? 'asked here' : 'your match';
    set(label, 'y', above ? '-22' : '30'); // away from the line
    set(me.lastElementChild, 'y', above ? '32' : '-21');
    set(bond, 'class', fixed);
    join(bond, here, there);
  }
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function join(line, [x1, y1], [x2, y2]) {
  for (const [name, value] of Object.entries({x1, y1, x2, y2})) set(line, name, value.toFixed(1));
}
