// The page at /: the live map, and with ?me=NAME (&pool=POOL) one member on it.
import {Board} from './board.js';
import {follow} from './feed.js';
import {Frames} from './frames.js';
import {startOf} from './geo.js';
import {Member} from './member.js';
import {describe} from './words.js';

const get = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const me = query.get('me')?.trim() ?? '', pool = query.get('pool')?.trim() ?? '';

const wrong = !me ? '' :
  new TextEncoder().encode(me).length > 128 ? 'That name is too long: at most 128 bytes.' :
  pool && !/^[a-z0-9-]{1,32}$/.test(pool) ? 'That is no pool: 1 to 32 of a–z, 0–9 and -.' : '';

let board;
if (me && !wrong) {
  board = join();
} else {
  document.body.classList.add('watching');
  get('invitation').hidden = false;
  board = new Board({}, {move() {}, rest() {}});
  if (wrong) Object.assign(get('spoken'), {textContent: wrong, className: ''});
}

follow({
  feed(feed) {
    const faint = m => me && !wrong ? m.pool !== (pool || 'default') : m.pool === 'city';
    const here = feed.members.filter(m => !faint(m)), other = feed.members.length - here.length;
    const free = here.filter(m => !m.match && !m.waiting).length, waiting = here.filter(m => m.waiting).length;
    const pairs = feed.matches.filter(pair => here.some(m => `${m.pool}/${m.member}` === pair[0])).length;
    get('free').textContent = free;
    get('waiting').textContent = waiting;
    get('matches').textContent = pairs;
    get('matches-word').textContent = pairs === 1 ? 'match' : 'matches';
    get('others').hidden = other === 0;
    get('elsewhere').textContent = other;
    get('feed-state').hidden = feed.members.length > 0;
    get('feed-state').textContent = 'Nobody is about yet.';
    board.feed(feed);
  },
  silent() {
    get('feed-state').hidden = false;
    get('feed-state').textContent = 'The stack does not answer; trying again.';
  },
});

// join makes this tab a member.
function join() {
  document.title = `${me} · Waggle`;
  for (const id of ['member', 'frames', 'hint']) get(id).hidden = false;
  get('identity').append('You are ', Object.assign(document.createElement('b'), {textContent: me}), pool ? ` in pool ${pool}` : '');
  get('me').setAttribute('aria-label', `You, ${me}. The arrow keys move you by 5 m, with Shift by 50 m.`);

  const place = `place ${pool}/${me}`; // of this tab, kept over a reload
  const frames = new Frames(get('list'), get('copy'));
  const member = new Member({me, pool}, JSON.parse(sessionStorage.getItem(place)) ?? startOf(me),
    {change, log: (direction, text) => frames.add(direction, text)});
  const board = new Board({me, pool: pool || 'default'}, {
    move(point) {
      get('hint').hidden = true;
      member.move(point);
    },
    rest() {
      sessionStorage.setItem(place, JSON.stringify(member.point));
      member.rest();
    },
  });

  get('ask').onclick = () => member.ask(0);
  get('wait').onclick = () => member.ask(60);
  get('cancel').onclick = () => member.cancel();
  get('end').onclick = () => member.end();
  get('drop').onclick = () => member.link.drop();
  get('back').onclick = () => member.link.connect();

  let spoken = {kind: '', time: 0};
  function change() {
    const {link, match, request, asked} = member;
    const {kind, state, hint} = describe(member, me);
    const open = link.state === 'open', free = open && member.placed && !match && !request && !asked;
    text('state', state);
    text('note', open && member.note || hint);
    get('note').classList.toggle('bad', open && member.bad && member.note !== '');
    get('ask').disabled = get('wait').disabled = !free;
    get('cancel').disabled = !open || !request && !asked;
    get('end').disabled = !open || !match;
    get('drop').disabled = !open;
    const back = {dropped: 'Come back', replaced: 'Take it back', retrying: 'Try now'}[link.state];
    get('back').hidden = !back;
    if (back) text('back', back);
    // A distance that changes is not worth saying each time.
    if (kind !== spoken.kind || Date.now() - spoken.time > 5000) {
      spoken = {kind, time: Date.now()};
      text('spoken', `${state} ${get('note').textContent}`);
    }
    board.self({point: member.point, match, waiting: Boolean(request), online: open});
  }

  new Worker('/map/clock.js').onmessage = () => { member.tick(); };
  addEventListener('online', () => { if (member.link.state === 'retrying') member.link.connect(); });
  member.link.connect();
  change();
  return board;
}

function text(id, value) {
  if (get(id).textContent !== value) get(id).textContent = value;
}
