// A Member is what one tab knows of its member, all of it from frames: what it
// asked for, its match, and where the server wants it to report from.
import {distance} from './geo.js';
import {Link} from './link.js';

const gap = 250; // ms between two reports: 4 a second, where pools allow 5
const patience = 10_000; // ms for the answer to a message
const keep = 10 * 60_000; // ms that the server remembers a request for

export class Member {
  point; // where it is
  match = null; // {match, role, peer: {lat, lng, at, seq}}
  request = null; // {expiresAt}, by this machine's clock
  asked = null; // the request whose outcome is not known: {id, wait, at, tries}
  placed = false; // the server knows where it is
  note = ''; // what came of the last thing, in words
  bad = false; // that is an error

  #change;
  #prefix = `${Math.random().toString(36).slice(2, 7)}-`; // so that no id is one from before a reload
  #ids = 0;
  #seq = 0;
  #skew = 0; // the server's clock less ours
  #advice = {afterSeconds: 30, moveMeters: 50};
  #sent = null; // the last report: {point, time}
  #later = null; // the answer to a report that is held back, as it came too soon after the last
  #pending = new Map(); // message id → {since, settle}
  #over = new Set(); // matches that have ended

  constructor(who, point, {change, log}) {
    this.point = point;
    this.#change = change;
    this.link = new Link(who, {open: () => this.#hello(), frame: data => this.#frame(data), change: () => this.#linked(), log});
  }

  // ask looks for the nearest, and waits for one that long if nobody is free.
  ask(wait) {
    this.asked = {id: this.#id(), wait, at: Date.now(), tries: 0};
    this.#say('');
    return this.#search();
  }

  cancel() {
    // Nothing of it is to be asked again.
    this.asked = null;
    this.#send({action: 'cancel', id: this.#id()});
    this.#change();
  }

  end() {
    this.#send({action: 'end', id: this.#id(), match: this.match.match});
  }

  // move takes the member along, and reports it as often as is wanted.
  move(point) {
    this.point = point;
    if (this.#due()) this.#report();
    this.#change();
  }

  // rest says that a movement is over: the last place is worth a report even
  // if the advice is coarser, since somebody looks.
  rest() {
    if (!this.#sent || distance(this.#sent.point, this.point) > 0) this.#report();
  }

  // tick is to be called each second.
  tick() {
    if (this.link.state !== 'open') return;
    const now = Date.now();
    for (const {since} of this.#pending.values()) {
      if (now - since > patience) return this.link.lost('The server has gone silent.');
    }
    if (this.#due()) this.#report();
    // A wait that is over is told with the next message.
    if (this.request && now > this.request.expiresAt + 1000) {
      this.request = null;
      this.#hello();
    }
  }

  #linked() {
    if (this.link.state !== 'open') {
      this.placed = false;
      this.#sent = null;
      this.#abandon();
    }
    this.#change();
  }

  // abandon gives up what is not answered yet.
  #abandon() {
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const {settle} of waiting) settle(null);
  }

  #hello() {
    this.#send({action: 'hello', id: this.#id()});
  }

  // search reports and then asks, one after the other: the server may take two
  // messages in any order.
  async #search() {
    const asked = this.asked;
    if (!await this.#report() || this.asked !== asked) return; // after a loss the welcome asks again
    this.#send({action: 'match', id: asked.id, ...(asked.wait && {wait: asked.wait})});
  }

  #due() {
    if (this.link.state !== 'open' || !this.placed) return false;
    if (!this.#sent) return true;
    return Date.now() - this.#sent.time >= this.#advice.afterSeconds * 1000 ||
      distance(this.#sent.point, this.point) >= this.#advice.moveMeters;
  }

  // report sends the place, soon if not now, and resolves with the answer.
  #report() {
    if (this.link.state !== 'open') return Promise.resolve(null);
    if (this.#later) return this.#later;
    const early = this.#sent ? this.#sent.time + gap - Date.now() : 0;
    if (early > 0) {
      return this.#later = new Promise(over => setTimeout(over, early)).then(() => {
        this.#later = null;
        return this.#report();
      });
    }
    this.#sent = {point: this.point, time: Date.now()};
    return this.#send({action: 'location', id: this.#id(), ...this.point, at: Math.round(Date.now() + this.#skew), seq: ++this.#seq});
  }

  // send resolves with the frame that answers, or null if the link is lost.
  #send(message) {
    if (!this.link.send(message)) return Promise.resolve(null);
    return new Promise(settle => this.#pending.set(message.id, {since: Date.now(), settle, action: message.action}));
  }

  #frame(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return; // not of this protocol; it is among the frames
    }
    const answered = this.#pending.get(frame.id);
    this.#pending.delete(frame.id);
    if (frame.report) this.#advice = frame.report;
    this.#take(frame, answered?.action);
    answered?.settle(frame);
    this.#change();
  }

  #take(frame, action) {
    switch (frame.type) {
      case 'welcome': return this.#welcome(frame);
      case 'ack': return void (this.placed = true);
      case 'matched': return this.#matched(frame);
      case 'waiting':
        // One that a match has overtaken is of no request any more.
        return this.asked?.id === frame.id && this.#waiting(frame.expiresAt);
      case 'no_match':
        if (this.asked && this.asked.id !== frame.id) return;
        [this.request, this.asked] = [null, null];
        return this.#say(`Nobody was free within ${frame.radius / 1000} km.`);
      case 'location': return this.#peer(frame);
      case 'ended': return this.#ended(frame);
      case 'error': return this.#error(frame, action);
      case undefined: // the gateway's own error does not say of what
        this.#abandon();
        setTimeout(() => this.#hello(), 1000);
    }
  }

  // welcome is the whole word on what is under way.
  #welcome(frame) {
    this.link.welcomed();
    this.#skew = frame.now - Date.now();
    this.match = frame.match ?? null;
    this.request = null;
    if (frame.match) this.asked = null;
    if (frame.request) this.#waiting(frame.request.expiresAt);
    const lost = !frame.match && !frame.request && this.asked && Date.now() - this.asked.at < keep;
    // The same id gets the outcome that was missed, and never a second search.
    if (lost) this.#search();
    else this.#report();
  }

  #matched({match, role, peer}) {
    if (this.#over.has(match) || this.match?.match === match) return;
    this.match = {match, role, peer};
    [this.request, this.asked] = [null, null];
    this.#say('');
  }

  #waiting(expiresAt) {
    this.request = {expiresAt: expiresAt - this.#skew};
  }

  #peer({match, lat, lng, at, seq = 0}) {
    const last = this.match?.peer;
    if (this.match?.match !== match || at < last.at || at === last.at && seq < (last.seq ?? 0)) return;
    this.match.peer = {lat, lng, at, seq};
  }

  #ended({id, match, reason}) {
    if (this.asked?.id === id || !match) this.asked = null;
    if (!match) {
      this.request = null;
      return this.#say(reason === 'cancelled' ? 'You took your request back.' : `Your request has ended: ${reason}.`);
    }
    this.#over.add(match);
    if (this.match && this.match.match !== match) return;
    this.match = null;
    this.#say(reason === 'completed' ? 'The match has ended.' : `The match has ended: ${reason}.`);
  }

  #error({id, code, message, retryable, now}, action) {
    switch (code) {
      case 'replaced': return this.link.replaced();
      case 'unauthenticated': return this.link.lost('The session was over.');
      case 'stale':
        this.#skew = now - Date.now();
        this.#sent = null;
        return;
    }
    if (action === 'location') this.#sent = null; // again with the next tick
    const asked = this.asked;
    if (asked && asked.id === id) {
      if (code === 'conflict' && retryable && ++asked.tries < 5) {
        return void setTimeout(() => { if (this.asked === asked) this.#search(); }, 1000);
      }
      this.asked = null;
    }
    this.#say(`${code}: ${message}`, true);
    if (code === 'not_found' || code === 'conflict') this.#hello(); // we were mistaken about what is under way
  }

  #say(note, bad = false) {
    [this.note, this.bad] = [note, bad];
  }

  #id() {
    return this.#prefix + ++this.#ids;
  }
}
