// A tab of the page at /: what a person does and sees there.
import assert from 'node:assert/strict';

const timeout = 10_000; // ms for each wait

export class Tab {
  // open opens a tab in a new window. A test that is between it and the server can push.
  static async open(browser, url, look = {}, between = false) {
    const context = await browser.newContext({viewport: {width: 1200, height: 800}, ...look});
    return Tab.beside(context, url, look.hasTouch, between);
  }

  // beside opens another tab in a window.
  static async beside(context, url, touch, between) {
    const tab = new Tab(await context.newPage(), touch);
    if (between) {
      await tab.page.routeWebSocket('**/prod', socket => {
        socket.connectToServer();
        tab.push = frame => socket.send(JSON.stringify(frame));
      });
    }
    await tab.page.goto(url);
    return tab;
  }

  constructor(page, touch = false) {
    Object.assign(this, {page, touch, errors: []});
    page.setDefaultTimeout(timeout);
    page.on('pageerror', error => this.errors.push(error.message));
  }

  // press clicks a button, or taps it on a touch screen.
  press(name, options) {
    const button = this.page.getByRole('button', {name, exact: true});
    return this.touch ? button.tap(options) : button.click(options);
  }

  // pressUnlessMatched clicks a button, which a match may disable before the click. On a busy
  // machine the click may take long, so it is tried again.
  async pressUnlessMatched(name) {
    for (let tries = 0; ; tries++) {
      try {
        return await this.press(name, {timeout: 500});
      } catch (error) {
        if (/^You are matched/.test(await this.page.textContent('#state'))) return;
        if (tries === 10) throw error;
      }
    }
  }

  // says waits until the state matches, and returns the match.
  async says(words) {
    const state = this.page.locator('#state');
    await state.filter({hasText: words}).waitFor().catch(async () => {
      throw new Error(`waited for ${words}; the page says "${await state.textContent()}" "${await this.page.textContent('#note')}"\n${await this.frames()}`);
    });
    return (await state.textContent()).match(words);
  }

  notes(words) {
    return this.page.locator('#note').filter({hasText: words}).waitFor();
  }

  free() {
    return this.says(/^You are free/);
  }

  // matched waits for a match, and returns its distance in metres.
  async matched() {
    const [, , meters] = await this.says(/^You are matched with someone (who asked from )?(\d+) m away/);
    return Number(meters);
  }

  // box returns where an element is on the screen. The page may draw an element anew at any time, so
  // it is found and measured in one step.
  async box(selector) {
    await this.page.locator(selector).waitFor();
    return this.page.evaluate(selector => document.querySelector(selector).getBoundingClientRect().toJSON(), selector);
  }

  // middle returns the centre of an element on the screen.
  async middle(selector) {
    const {x, y, width, height} = await this.box(selector);
    return {x: x + width / 2, y: y + height / 2};
  }

  async drag(dx, dy) {
    const from = await this.middle('#me .core');
    await this.page.mouse.move(from.x, from.y);
    await this.page.mouse.down();
    await this.page.mouse.move(from.x + dx, from.y + dy, {steps: 8});
    await this.page.mouse.up();
  }

  // swipe drags with a finger.
  async swipe(dx, dy) {
    const from = await this.middle('#me .core');
    const fingers = await this.page.context().newCDPSession(this.page);
    const touch = (type, ...points) => fingers.send('Input.dispatchTouchEvent', {type, touchPoints: points});
    await touch('touchStart', from);
    for (let step = 1; step <= 8; step++) await touch('touchMove', {x: from.x + dx * step / 8, y: from.y + dy * step / 8});
    await touch('touchEnd');
  }

  // frames returns the lines of the panel, newest first.
  async frames() {
    return (await this.page.locator('#list li').allTextContents()).join('\n');
  }

  // close closes the window. It fails if a script of the page has failed.
  async close() {
    await this.page.context().close();
    assert.deepEqual(this.errors, [], 'errors of the page');
  }
}

// until polls a condition of a test.
export async function until(what, ready) {
  for (const deadline = Date.now() + timeout; ;) {
    if (await ready()) return;
    if (Date.now() > deadline) throw new Error(`timed out waiting until ${what}`);
    await new Promise(next => setTimeout(next, 20));
  }
}
