// The raw frames of this member, newest first.

const most = 200;

export class Frames {
  #list;
  #lines = []; // newest first

  constructor(list, copy) {
    this.#list = list;
    copy.onclick = async () => {
      try {
        await navigator.clipboard.writeText(this.#lines.join('\n') + '\n');
        copy.textContent = 'Copied';
      } catch { // not allowed here: selected, it can be copied by hand
        getSelection().selectAllChildren(list);
        copy.textContent = 'Selected';
      }
      setTimeout(() => { copy.textContent = 'Copy'; }, 2000);
    };
  }

  // add takes a frame that went → or came ←, or a word on the socket.
  add(direction, text) {
    const now = new Date();
    const time = `${now.toLocaleTimeString('en-GB')}.${String(now.getMilliseconds()).padStart(3, '0')}`;
    this.#lines.unshift(`${time} ${direction || '·'} ${text}`);
    const line = document.createElement('li');
    line.className = {'→': 'sent', '←': 'got'}[direction] ?? 'odd';
    line.append(Object.assign(document.createElement('time'), {textContent: time}),
      Object.assign(document.createElement('span'), {textContent: ` ${direction || '·'} `}),
      Object.assign(document.createElement('code'), {textContent: text}));
    this.#list.prepend(line);
    while (this.#lines.length > most) {
      this.#lines.pop();
      this.#list.lastChild.remove();
    }
  }
}
