// A Member is the state of one tab's member, taken from its frames: its request, its
// match, and the server's advice on reports.
import {distance} from './geo.js';
import {Connection} from './connection.js';

const reportGap = 250; // ms between two reports: 4 a second, where pools allow 5
const replyTimeout = 10_000; // ms for the reply to a message
const requestKept = 10 * 60_000; // ms for which the server keeps the outcome of a request

export class Member {
  point; // its location
  match = null; // {match, role, peer: {lat, lng, at, seq}}
  offer = null; // the match that is offered: {match, role, expiresAt, distance, overdue}, by this machine's clock
  request = null; // the waiting request: {id, expiresAt}, by this machine's clock
  asked = null; // the request without an outcome yet: {id, wait, share, confirm, widen, at, tries, steps}
  counts = null; // the last answer to nearby: [{cell, count}]
  cancelling = false; // a cancel has no reply yet
  reported = false; // the server has a report
  available = true; // the server lets it be found
  tags = []; // what the server says that it has
  unlisted; // until when nobody finds it, and why: {until, reason}
  note = ''; // the outcome of the last action, a sentence
  bad = false; // the note is an error

  #change;
  #prefix = `${Math.random().toString(36).slice(2, 7)}-`; // makes the ids differ from those before a reload
  #ids = 0;
  #seq = 0;
  #skew = 0; // the server's clock minus this one
  #advice = {afterSeconds: 30, moveMeters: 50};
  #sent = null; // the last report: {point, time}
  #delayed = null; // the reply to a report that waits for the gap
  #welcomed = false; // on this connection
  #pending = new Map(); // message id → {since, resolve, action, request, held}
  #endedMatches = new Set(); // matches that have ended
  #over = new Set(); // requests that are over

  constructor(identity, point, {change, log}) {
    this.point = point;
    this.#change = change;
    this.connection = new Connection(identity, {open: () => this.#hello(), frame: data => this.#frame(data), change: () => this.#connectionChanged(), log});
  }

  // ask requests the nearest member. If none is free it waits for so many seconds. With share the
  // other member sees this one's moves too. With confirm it has so many seconds to accept. With
  // widen, {widenTo, widenSeconds}, the circle grows while the request waits.
  ask({wait, share, confirm, widen}) {
    this.asked = {id: this.#id(), wait, share, confirm, widen, at: Date.now(), tries: 0, steps: 0};
    this.#setNote('');
    return this.#search();
  }

  // cancel withdraws the request. It names it: a message that comes late must not withdraw
  // the next one.
  async cancel() {
    const request = this.asked?.id ?? this.request?.id;
    this.asked = null; // it must not be repeated
    this.cancelling = true;
    this.#change();
    await this.#send({action: 'cancel', id: this.#id(), ...(request && {request})});
    this.cancelling = false;
    this.#change();
  }

  // answer accepts or declines what is offered.
  answer(action) {
    if (this.offer) this.#send({action, id: this.#id(), match: this.offer.match});
  }

  end() {
    this.#send({action: 'end', id: this.#id(), match: this.match.match});
  }

  say(text) {
    if (this.match) this.#send({action: 'say', id: this.#id(), match: this.match.match, data: text});
  }

  // nearby counts the members around this one. hideCounts forgets the answer.
  nearby() {
    this.#send({action: 'nearby', id: this.#id()});
  }

  hideCounts() {
    this.counts = null;
    this.#setNote('');
    this.#change();
  }

  // move moves the member, and reports as often as the server advises.
  move(point) {
    this.point = point;
    if (this.#due()) this.#report();
    this.#change();
  }

  // rest ends a movement. It reports the last point even if the advice is coarser, since
  // somebody watches the map.
  rest() {
    if (!this.#sent || distance(this.#sent.point, this.point) > 0) this.#report();
  }

  // tick must be called each second.
  tick() {
    if (this.connection.state !== 'open') return;
    const now = Date.now();
    for (const {since} of this.#pending.values()) {
      if (now - since > replyTimeout) return this.connection.lost('The server stopped replying.');
    }
    if (this.#due()) this.#report();
    if (this.request && this.asked?.widen) this.#widen(this.asked, now);
    // A request goes on with a message, once its offer has expired. The answer says what became of it.
    if (this.offer && !this.offer.overdue && now > this.offer.expiresAt + 500) {
      this.offer.overdue = true;
      this.#hello();
    }
    // After the end of a wait the next message brings the outcome.
    if (this.request && now > this.request.expiresAt + 1000) {
      this.request = null;
      this.#hello();
    }
  }

  // widen sends a message after each of the eight steps in which the circle grows: it finds who was
  // there before the circle reached it.
  #widen(asked, now) {
    const late = 1000; // ms, of the server's start of the request and of this tick
    const steps = Math.min(8, Math.floor((now - asked.at - late) / (asked.widen.widenSeconds * 1000 / 8)));
    if (steps <= asked.steps) return;
    asked.steps = steps;
    this.#send({action: 'ping', id: this.#id()});
  }

  #connectionChanged() {
    if (this.connection.state !== 'open') {
      this.#forget();
      this.#welcomed = false;
      this.#abandon();
    }
    this.#change();
  }

  // forget forgets what the server was told: a new session begins with nothing.
  #forget() {
    this.reported = false;
    this.#sent = null;
  }

  // abandon gives up all messages without a reply.
  #abandon() {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const {resolve} of pending) resolve(null);
  }

  #hello() {
    this.#send({action: 'hello', id: this.#id()});
  }

  // search reports and then requests, one after the other: the server may handle two
  // messages in any order.
  async #search() {
    const asked = this.asked;
    if (!await this.#report() || this.asked !== asked) return; // if the connection was lost, the welcome repeats the request
    this.#send({action: 'match', id: asked.id, ...(asked.wait && {wait: asked.wait}), ...asked.widen, ...(asked.share && {share: true}), ...(asked.confirm && {confirm: asked.confirm})});
  }

  #due() {
    if (this.connection.state !== 'open' || !this.#welcomed) return false;
    if (!this.#sent) return true;
    return Date.now() - this.#sent.time >= this.#advice.afterSeconds * 1000 ||
      distance(this.#sent.point, this.point) >= this.#advice.moveMeters;
  }

  // report reports the location, after the gap, and resolves with the reply.
  #report() {
    if (this.connection.state !== 'open') return Promise.resolve(null);
    if (this.#delayed) return this.#delayed;
    const early = this.#sent ? this.#sent.time + reportGap - Date.now() : 0;
    if (early > 0) {
      return this.#delayed = new Promise(done => setTimeout(done, early)).then(() => {
        this.#delayed = null;
        return this.#report();
      });
    }
    this.#sent = {point: this.point, time: Date.now()};
    return this.#send({action: 'location', id: this.#id(), ...this.point, at: Math.round(Date.now() + this.#skew), seq: ++this.#seq});
  }

  // send resolves with the reply, or with null if the connection is lost.
  #send(message) {
    if (!this.connection.send(message)) return Promise.resolve(null);
    const {action, request} = message, held = {match: this.match, offer: this.offer, request: this.request};
    return new Promise(resolve => this.#pending.set(message.id, {since: Date.now(), resolve, action, request, held}));
  }

  #frame(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return; // not a frame of the protocol; the panel shows it
    }
    const answered = this.#pending.get(frame.id);
    this.#pending.delete(frame.id);
    if (frame.report) [this.#advice, this.unlisted] = [frame.report, frame.unlisted];
    if (frame.unlisted) this.unlisted = frame.unlisted; // an ended has no advice
    this.#take(frame, answered);
    answered?.resolve(frame);
    this.#change();
  }

  #take(frame, answered) {
    switch (frame.type) {
      case 'welcome': return this.#welcome(frame, answered?.held ?? this);
      case 'ack':
        this.reported = true;
        if (frame.position === 'jump') this.#report(); // a second report from there counts
        return;
      case 'offered': return this.#offered(frame);
      case 'matched': return this.#matched(frame);
      case 'waiting': {
        const id = frame.request ?? frame.id; // it may be an earlier request that waits
        if (this.asked && this.asked.id !== id) this.asked = null;
        // A match may have come first: then the request is over.
        return this.match || this.#over.has(id) || this.#waiting(id, frame.expiresAt);
      }
      case 'no_match':
        if (this.#closed(frame.id)) this.#setNote(`Nobody was free within ${frame.radius / 1000} km.`);
        return;
      case 'nearby':
        this.counts = frame.cells;
        return this.#setNote(frame.cells.length === 0 ? 'No cell around you has three members or more.' :
          `${frame.cells.reduce((sum, {count}) => sum + count, 0)} members are available around you. Cells with fewer than three are left out.`);
      case 'location': return this.#peer(frame);
      case 'peer': return this.#presence(frame.match, frame);
      case 'said': return this.#said(frame);
      case 'ended': return this.#ended(frame, answered?.request ?? frame.id);
      case 'error': return this.#error(frame, answered?.action);
      case undefined: // the gateway's own error does not name the message
        this.#abandon();
        setTimeout(() => this.#hello(), 1000);
    }
  }

  // A welcome has the match or the waiting request, if there is one. Of what was held when
  // it was asked for, the rest is over. It may come unasked, without an id: then the server
  // has lost the rest.
  #welcome(frame, held) {
    const unasked = frame.id === undefined;
    this.connection.welcomed();
    this.#welcomed = true;
    this.#skew = frame.now - Date.now();
    [this.available, this.tags] = [frame.available ?? true, frame.tags ?? []];
    if (unasked) this.#forget();
    if (frame.match) {
      if (!this.#endedMatches.has(frame.match.match)) {
        const {presence, ...match} = frame.match;
        this.match = {...match, presence: this.match?.match === match.match ? this.match.presence : undefined};
        if (presence) this.#presence(match.match, presence);
      }
      [this.request, this.asked] = [null, null];
    } else if (this.match && this.match.match === held.match?.match) {
      this.#ended({match: this.match.match, reason: unasked ? 'lost' : 'the server no longer has it'});
    }
    if (frame.offer) this.#offered(frame.offer);
    else if (this.offer?.match === held.offer?.match) this.offer = null;
    if (this.request && this.request.id === held.request?.id && this.request.id !== frame.request?.id) {
      if (unasked && this.#closed(this.request.id)) this.#setNote('The server has lost your request. Ask again.');
      this.request = null;
    }
    if (frame.request && !this.match) this.#waiting(frame.request.id, frame.request.expiresAt);
    const unanswered = !unasked && !this.match && !this.offer && !this.request && this.asked && Date.now() - this.asked.at < requestKept;
    // With the same id the server sends the missed outcome, and never searches twice.
    if (unanswered) this.#search();
    else this.#report();
  }

  #matched({id, request = id, match, role, peer}) {
    if (this.#endedMatches.has(match) || this.match?.match === match) return;
    if (request) this.#over.add(request);
    this.match = {match, role, peer};
    [this.offer, this.request, this.asked] = [null, null, null];
    this.#setNote('');
  }

  #offered({match, role, expiresAt, distance}) {
    if (this.match || this.#endedMatches.has(match)) return;
    this.offer = {match, role, distance, expiresAt: expiresAt - this.#skew};
    this.#setNote('');
  }

  #waiting(id, expiresAt) {
    this.request = {id, expiresAt: expiresAt - this.#skew};
  }

  // closed notes that a request is over, and tells whether it was this tab's newest one.
  #closed(id) {
    if (id) this.#over.add(id);
    const newest = this.asked?.id ?? this.request?.id;
    if (id && newest && newest !== id) return false;
    if (this.offer?.role === 'matcher') this.offer = null;
    [this.request, this.asked] = [null, null];
    return true;
  }

  #peer({match, lat, lng, at, seq = 0}) {
    const last = this.match?.peer;
    if (this.match?.match !== match || at < last.at || at === last.at && seq < (last.seq ?? 0)) return;
    this.match.peer = {lat, lng, at, seq};
  }

  // The newest one counts, whichever comes last.
  #presence(match, {state, since}) {
    if (this.match?.match !== match || since <= (this.match.presence?.since ?? 0)) return;
    this.match.presence = {state, since, at: since - this.#skew};
    this.#setNote(state === 'back' ? 'They are back.' : '');
  }

  // A said without data answers a say.
  #said({match, data}) {
    if (this.match?.match !== match || data === undefined) return;
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    this.#setNote(`They say: ${text.slice(0, 200)}`);
  }

  // An end without a match is that of a request. The reply to a cancel has the cancel's id.
  #ended({id, match, reason}, request) {
    if (!match) {
      if (this.#closed(request)) this.#setNote(reason === 'cancelled' ? 'You cancelled your request.' : `Your request has ended: ${reason}.`);
      return;
    }
    if (this.asked?.id === id) this.asked = null;
    this.#endedMatches.add(match);
    if (this.offer?.match === match) {
      const mine = this.offer.role === 'matchee';
      this.offer = null;
      return this.#setNote({declined: mine ? 'You declined.' : 'They declined. The next one is asked.',
        expired: mine ? 'You did not answer in time.' : 'They did not answer. The next one is asked.',
        cancelled: 'They withdrew their request.'}[reason] ?? `The offer is over: ${reason}.`);
    }
    if (this.match && this.match.match !== match) return;
    if (reason === 'declined' || reason === 'expired') return; // of an offer that a later frame has closed
    this.match = null;
    this.#setNote({completed: 'The match has ended.', lost: 'The server has lost the match. Ask again.',
      left: 'The match has ended: one of you was away for too long.'}[reason] ?? `The match has ended: ${reason}.`);
  }

  #error({id, code, message, retryable, now}, action) {
    switch (code) {
      case 'replaced': return this.connection.replaced();
      case 'unauthenticated': return this.connection.lost('The session has expired.');
      case 'stale':
        this.#skew = now - Date.now();
        this.#sent = null;
        return;
    }
    if (action === 'location') this.#sent = null; // the next tick reports
    const asked = this.asked;
    if (asked && asked.id === id) {
      if (code === 'conflict' && retryable && ++asked.tries < 5) {
        return void setTimeout(() => { if (this.asked === asked) this.#search(); }, 1000);
      }
      this.asked = null;
    }
    this.#setNote(`${code}: ${message}`, true);
    if (code === 'not_found' || code === 'conflict') this.#hello(); // this tab's state was wrong
  }

  #setNote(note, bad = false) {
    [this.note, this.bad] = [note, bad];
  }

  #id() {
    return this.#prefix + ++this.#ids;
  }
}
