// A client that uses only the frames of docs/protocol.md.
import WebSocket from 'ws';

const timeout = 10_000; // ms for each wait

export class Member {
  #socket;
  #unread = [];
  #wake = () => {};

  constructor(name, api, token) {
    Object.assign(this, {name, api, token});
  }

  // connect resolves when the socket is open, and rejects with the status of a refusal.
  connect() {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.api, ['waggle.v1', `bearer.${this.token}`]);
      this.#socket = socket;
      this.#unread = [];
      socket.on('open', () => {
        if (socket.protocol === 'waggle.v1') resolve();
        else reject(new Error(`${this.name}: the subprotocol is "${socket.protocol}", not waggle.v1`));
      });
      socket.on('unexpected-response', (_, answer) => reject(new Error(`${this.name}: refused with ${answer.statusCode}`)));
      socket.on('error', reject);
      socket.on('close', code => console.log(`${this.name}   closed with ${code}`));
      socket.on('message', (data, binary) => {
        if (socket !== this.#socket) return;
        console.log(`${this.name} ← ${data}`);
        this.#unread.push(binary ? {type: 'a binary frame'} : JSON.parse(data));
        this.#wake();
      });
    });
  }

  send(message) {
    const text = JSON.stringify(message);
    console.log(`${this.name} → ${text}`);
    this.#socket.send(text);
  }

  // drop closes the socket without a close frame, like a lost network.
  drop() {
    console.log(`${this.name}   drops`);
    this.#socket.terminate();
  }

  // receive waits for the next frame of a type that fits. It skips other frames, but fails
  // at an error.
  async receive(type, fits = () => true) {
    const deadline = Date.now() + timeout;
    for (;;) {
      while (this.#unread.length > 0) {
        const frame = this.#unread.shift();
        if (frame.type === type && fits(frame)) return frame;
        if (frame.type === 'error' || frame.type === undefined) {
          throw new Error(`${this.name}: waiting for ${type}, got ${JSON.stringify(frame)}`);
        }
      }
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${this.name}: timed out waiting for ${type} (${fits})`);
      await new Promise(resolve => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => { clearTimeout(timer); resolve(); };
      });
    }
  }

  ask(message, type) {
    this.send(message);
    return this.receive(type, frame => frame.id === message.id);
  }

  close() {
    return new Promise(resolve => {
      this.#socket.on('close', resolve);
      this.#socket.close(1000);
    });
  }
}
