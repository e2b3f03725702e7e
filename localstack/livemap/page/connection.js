// A Connection keeps a member's WebSocket open. It gets a token for each attempt and
// reconnects by itself, until the member is replaced or drops the connection.

const minBackoff = 250, maxBackoff = 20_000; // ms before another attempt
const timeout = 10_000; // ms to connect or to get a token

export class Connection {
  // connecting, open, retrying, dropped or replaced
  state = 'connecting';
  reason = ''; // a sentence, while retrying

  #member;
  #pool;
  #on;
  #socket;
  #current = 0; // number of the newest attempt; events of older ones are ignored
  #failures = 0; // since the last welcome
  #timer;

  // on has open(), frame(text), change() and log(direction, text).
  constructor({me, pool}, on) {
    [this.#member, this.#pool, this.#on] = [me, pool, on];
  }

  // connect connects, reconnects, or retries at once.
  async connect() {
    const attempt = this.#leave();
    if (this.state !== 'retrying') this.#become('connecting');
    let token;
    try {
      token = await this.#token();
    } catch (error) {
      if (attempt === this.#current) this.#retry(error.message);
      return;
    }
    if (attempt !== this.#current) return;
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/prod`, ['waggle.v1', `bearer.${token}`]);
    this.#socket = socket;
    const timer = setTimeout(() => socket.close(), timeout);
    const ifCurrent = handler => event => { if (attempt === this.#current) handler(event); };
    socket.onopen = ifCurrent(() => {
      clearTimeout(timer);
      this.#become('open');
      this.#on.log('', 'connected');
      this.#on.open();
    });
    socket.onmessage = ifCurrent(({data}) => {
      this.#on.log('←', String(data));
      this.#on.frame(data);
    });
    socket.onclose = ifCurrent(({code}) => {
      clearTimeout(timer);
      if (this.state === 'open') this.lost('The connection was lost.', code);
      else this.#retry('The server is running but refuses the connection.');
    });
  }

  send(message) {
    if (this.state !== 'open') return false;
    const text = JSON.stringify(message);
    this.#on.log('→', text);
    this.#socket.send(text);
    return true;
  }

  // welcomed resets the back-off.
  welcomed() {
    this.#failures = 0;
  }

  // lost closes the connection, and reconnects.
  lost(reason, code) {
    this.#on.log('', code ? `closed with ${code}` : 'no reply');
    this.#retry(reason);
  }

  // drop closes the connection. It stays closed until connect is called.
  drop() {
    this.#on.log('', 'dropped');
    this.#leave();
    this.#become('dropped');
  }

  // replaced closes the connection. It does not reconnect: two tabs that did would replace
  // each other for ever.
  replaced() {
    this.#on.log('', 'replaced');
    this.#leave();
    this.#become('replaced');
  }

  async #token() {
    let response;
    try {
      const query = new URLSearchParams({member: this.#member, ...(this.#pool && {pool: this.#pool})});
      response = await fetch(`/token?${query}`, {cache: 'no-store', signal: AbortSignal.timeout(timeout)});
    } catch {
      throw new Error('The server does not answer.');
    }
    if (response.status === 404) {
      throw new Error('This stack issues no tokens because other machines can reach it. Start it on 127.0.0.1, or with -insecure-tokens.');
    }
    const text = (await response.text()).trim();
    if (!response.ok) throw new Error(`No token: ${text}`);
    return text;
  }

  #retry(reason) {
    const attempt = this.#leave();
    // From the whole range, so that many clients do not reconnect at the same time.
    const delay = Math.random() * Math.min(maxBackoff, minBackoff * 2 ** this.#failures++);
    this.reason = reason;
    this.#become('retrying');
    this.#timer = setTimeout(() => { if (attempt === this.#current) this.connect(); }, delay);
  }

  #leave() {
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = undefined;
    return ++this.#current;
  }

  #become(state) {
    this.state = state;
    this.#on.change();
  }
}
