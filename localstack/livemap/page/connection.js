// A Link keeps a WebSocket of one member open: it fetches a token for each
// attempt, and comes back by itself, until the member is replaced or drops it.

const first = 250, longest = 20_000; // ms before another attempt
const patience = 10_000; // ms for an answer of any kind

export class Link {
  // connecting, open, retrying, dropped or replaced
  state = 'connecting';
  why = ''; // in words, while retrying

  #member;
  #pool;
  #on;
  #socket;
  #turn = 0; // of the attempt; an older one's events count no more
  #attempt = 0;
  #timer;

  // on has open(), frame(text), change() and log(direction, text).
  constructor({me, pool}, on) {
    [this.#member, this.#pool, this.#on] = [me, pool, on];
  }

  // connect begins, comes back, or tries at once.
  async connect() {
    const turn = this.#leave();
    if (this.state !== 'retrying') this.#become('connecting');
    let token;
    try {
      token = await this.#token();
    } catch (error) {
      if (turn === this.#turn) this.#retry(error.message);
      return;
    }
    if (turn !== this.#turn) return;
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/prod`, ['waggle.v1', `bearer.${token}`]);
    this.#socket = socket;
    const late = setTimeout(() => socket.close(), patience);
    const ours = handler => event => { if (turn === this.#turn) handler(event); };
    socket.onopen = ours(() => {
      clearTimeout(late);
      this.#become('open');
      this.#on.log('', 'connected');
      this.#on.open();
    });
    socket.onmessage = ours(({data}) => {
      this.#on.log('←', String(data));
      this.#on.frame(data);
    });
    socket.onclose = ours(({code}) => {
      clearTimeout(late);
      if (this.state === 'open') this.lost('The connection was lost.', code);
      else this.#retry('The server is there but refuses the connection.');
    });
  }

  send(message) {
    if (this.state !== 'open') return false;
    const text = JSON.stringify(message);
    this.#on.log('→', text);
    this.#socket.send(text);
    return true;
  }

  // welcomed says that all is well again: the next loss is a first one.
  welcomed() {
    this.#attempt = 0;
  }

  // lost gives a connection up, and comes back.
  lost(why, code) {
    this.#on.log('', code ? `closed with ${code}` : 'given up');
    this.#retry(why);
  }

  // drop cuts the connection, and does not come back until told to.
  drop() {
    this.#on.log('', 'dropped');
    this.#leave();
    this.#become('dropped');
  }

  // replaced stays away: two that come back would throw each other out for ever.
  replaced() {
    this.#on.log('', 'replaced');
    this.#leave();
    this.#become('replaced');
  }

  async #token() {
    let answer;
    try {
      const query = new URLSearchParams({member: this.#member, ...(this.#pool && {pool: this.#pool})});
      answer = await fetch(`/token?${query}`, {cache: 'no-store', signal: AbortSignal.timeout(patience)});
    } catch {
      throw new Error('The server does not answer.');
    }
    if (answer.status === 404) {
      throw new Error('This stack gives no tokens, as other machines can reach it: start it on 127.0.0.1, or with -insecure-tokens.');
    }
    const text = (await answer.text()).trim();
    if (!answer.ok) throw new Error(`No token: ${text}`);
    return text;
  }

  #retry(why) {
    const turn = this.#leave();
    // From the whole range, so that many do not all come back together.
    const wait = Math.random() * Math.min(longest, first * 2 ** this.#attempt++);
    this.why = why;
    this.#become('retrying');
    this.#timer = setTimeout(() => { if (turn === this.#turn) this.connect(); }, wait);
  }

  #leave() {
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = undefined;
    return ++this.#turn;
  }

  #become(state) {
    this.state = state;
    this.#on.change();
  }
}
