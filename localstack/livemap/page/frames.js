// The panel of this member's raw frames, newest first.

const maxLines = 200;

export class Frames {
  #list;
  #lines = []; // newest first

  constructor(list, copy) {
    this.#list = list;
    copy.onclick = async () => {
      try {
        await navigator.clipboard.writeText(this.#lines.join('\n') + '\n');
        copy.textContent = 'Copied';
      } catch { // not allowed: select the text, so that the user can copy it
        getSelection().selectAllChildren(list);
        copy.textContent = 'Selected';
      }
      setTimeout(() => { copy.textContent = 'Copy'; }, 2000);
    };
  }

  // add adds a frame that was sent (→) or received (←), or with '' a note on the connection.
  add(direction, text) {
    const now = new Date();
    const time = `${now.toLocaleTimeString('en-GB')}.${String(now.getMilliseconds()).padStart(3, '0')}`;
    this.#lines.unshift(`${time} ${direction || '·'} ${text}`);
    const line = document.createElement('li');
    line.className = {'→': 'sent', '←': 'received'}[direction] ?? 'note';
    line.append(Object.assign(document.createElement('time'), {textContent: time}),
      Object.assign(document.createElement('span'), {textContent: ` ${direction || '·'} `}),
      Object.assign(document.createElement('code'), {textContent: text}));
    this.#list.prepend(line);
    while (this.#lines.length > maxLines) {
      this.#lines.pop();
      this.#list.lastChild.remove();
    }
  }
}
