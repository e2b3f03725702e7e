// The page at /: the live map, and with ?me=NAME (&pool=POOL) one member on it.
import {describe} from './describe.js';
import {follow, stateOf} from './feed.js';
import {Frames} from './frames.js';
import {startFor} from './geo.js';
import {MapView} from './mapview.js';
import {Member} from './member.js';

const get = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const me = query.get('me')?.trim() ?? '', pool = query.get('pool')?.trim() ?? '';

const wrong = !me ? '' :
  new TextEncoder().encode(me).length > 128 ? 'This name is too long: use at most 128 bytes.' :
  pool && !/^[a-z0-9-]{1,32}$/.test(pool) ? 'This is not a pool name: use 1 to 32 characters of a–z, 0–9 and -.' : '';

let mapView;
if (me && !wrong) {
  mapView = join();
} else {
  document.body.classList.add('watching');
  get('introduction').hidden = false;
  mapView = new MapView({}, {move() {}, rest() {}});
  if (wrong) Object.assign(get('announcer'), {textContent: wrong, className: ''});
}

follow({
  feed(feed) {
    const faint = m => me && !wrong ? m.pool !== (pool || 'default') : m.pool === 'city';
    const here = feed.members.filter(m => !faint(m)), other = feed.members.length - here.length;
    const pairs = feed.matches.filter(pair => here.some(m => `${m.pool}/${m.member}` === pair[0])).length;
    for (const state of ['free', 'waiting', 'offered']) get(state).textContent = here.filter(m => stateOf(m) === state).length;
    get('matches').textContent = pairs;
    get('matches-word').textContent = pairs === 1 ? 'match' : 'matches';
    get('others').hidden = other === 0;
    get('other-count').textContent = other;
    get('feed-state').hidden = feed.members.length > 0;
    get('feed-state').textContent = 'There are no members yet.';
    mapView.feed(feed);
  },
  failed() {
    get('feed-state').hidden = false;
    get('feed-state').textContent = 'The stack does not answer. Retrying…';
  },
});

// join connects this tab as a member.
function join() {
  document.title = `${me} · Waggle`;
  for (const id of ['member', 'frames', 'hint', 'nearby']) get(id).hidden = false;
  get('identity').append('You are ', Object.assign(document.createElement('b'), {textContent: me}), pool ? ` in pool ${pool}` : '');
  get('me').setAttribute('aria-label', `You, ${me}. The arrow keys move you by 5 m, with Shift by 50 m.`);

  const pointKey = `point ${pool}/${me}`; // keeps the location of this tab over a reload
  const frames = new Frames(get('list'), get('copy'));
  const member = new Member({me, pool}, JSON.parse(sessionStorage.getItem(pointKey)) ?? startFor(me),
    {change, log: (direction, text) => frames.add(direction, text)});
  const mapView = new MapView({me, pool: pool || 'default'}, {
    move(point) {
      get('hint').hidden = true;
      member.move(point);
    },
    rest() {
      sessionStorage.setItem(pointKey, JSON.stringify(member.point));
      member.rest();
    },
  });

  const ask = more => member.ask({share: get('share').checked, confirm: get('confirm').checked && 20, ...more});
  get('ask').onclick = () => ask();
  get('wait').onclick = () => ask({wait: 60, widen: get('widen').checked &&
    {widenTo: get('widen-to').valueAsNumber * 1000, widenSeconds: get('widen-seconds').valueAsNumber}});
  get('nearby').onclick = () => member.counts ? member.hideCounts() : member.nearby();
  get('accept').onclick = () => member.answer('accept');
  get('decline').onclick = () => member.answer('decline');
  get('cancel').onclick = () => member.cancel();
  get('end').onclick = () => member.end();
  get('talk').onsubmit = event => {
    event.preventDefault();
    member.say(get('words').value);
    get('words').value = '';
  };
  get('drop').onclick = () => member.connection.drop();
  get('reconnect').onclick = () => member.connection.connect();

  let announced = {kind: '', time: 0};
  function change() {
    const {connection, match, offer, request, asked, cancelling, counts} = member;
    const {kind, state, hint} = describe(member, me);
    const open = connection.state === 'open', free = open && member.reported && !match && !offer && !request && !asked && !cancelling;
    text('state', state);
    text('note', open && member.note || hint);
    get('note').classList.toggle('bad', open && member.bad && member.note !== '');
    get('ask').disabled = get('wait').disabled = !free;
    get('cancel').disabled = !open || cancelling || !request && !asked && offer?.role !== 'matcher';
    get('accept').hidden = get('decline').hidden = !open || offer?.role !== 'matchee';
    get('ask').hidden = get('wait').hidden = !get('accept').hidden;
    get('end').disabled = !open || !match;
    get('talk').hidden = !open || !match;
    get('nearby').disabled = !counts && !(open && member.reported);
    get('nearby').setAttribute('aria-pressed', Boolean(counts));
    get('drop').disabled = !open;
    const label = {dropped: 'Reconnect', replaced: 'Use this tab', retrying: 'Retry now'}[connection.state];
    get('reconnect').hidden = !label;
    if (label) text('reconnect', label);
    // A screen reader need not announce each change of a distance.
    if (kind !== announced.kind || Date.now() - announced.time > 5000) {
      announced = {kind, time: Date.now()};
      text('announcer', `${state} ${get('note').textContent}`);
    }
    mapView.self({point: member.point, match, offered: Boolean(offer), waiting: Boolean(request), online: open});
    mapView.counts(counts);
  }

  new Worker('/map/clock.js').onmessage = () => { member.tick(); };
  addEventListener('online', () => { if (member.connection.state === 'retrying') member.connection.connect(); });
  member.connection.connect();
  change();
  return mapView;
}

function text(id, value) {
  if (get(id).textContent !== value) get(id).textContent = value;
}
