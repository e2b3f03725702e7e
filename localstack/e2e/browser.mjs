// The page at /, used as people use it, in a real browser. It prints a line of
// JSON for each case, {name, ms, error}, and {do: "stop"} or {do: "start"} where
// that is to be done to the stack: it goes on with the next line that it reads.
//
//   node browser.mjs http://127.0.0.1:8080 [case…]
import assert from 'node:assert/strict';
import {randomUUID} from 'node:crypto';
import {createInterface} from 'node:readline';
import {launch} from './chromium.mjs';
import {Tab, until} from './tabs.mjs';

const [base, ...wanted] = process.argv.slice(2);
const phone = {viewport: {width: 390, height: 844}, hasTouch: true, isMobile: true};
const run = randomUUID().slice(0, 8);
const orders = createInterface({input: process.stdin})[Symbol.asyncIterator]();
let browser;

// A Stage is where one case is played: a pool, and the tabs of its members.
class Stage {
  constructor(pool) {
    this.pool = pool;
  }

  join(name, look) {
    return Tab.open(browser, `${base}/?me=${encodeURIComponent(name)}&pool=${this.pool}`, look);
  }

  // together opens a tab for each, and waits until all can be found.
  async together(names, look) {
    const tabs = await Promise.all(names.map(name => this.join(name, look)));
    await Promise.all(tabs.map(tab => tab.free()));
    return tabs;
  }

  // pair is two of which the first has asked, and found the second.
  async pair(look) {
    const [ana, ben] = await this.together(['ana', 'ben'], look);
    await ana.press('Ask');
    await Promise.all([ana.matched(), ben.matched()]);
    return [ana, ben];
  }
}

// told asks whoever runs this to do something, and waits until it is done.
async function told(what) {
  console.log(JSON.stringify({do: what}));
  await orders.next();
}

const close = (...tabs) => Promise.all(tabs.map(tab => tab.close()));

const cases = {
  async 'the invitation leads to a match'() {
    const home = await Tab.open(browser, base);
    const open = name => Promise.all([home.page.context().waitForEvent('page'), home.page.getByRole('link', {name}).click()]);
    const tabs = [];
    for (const name of ['join as ana', 'join as ben']) {
      const [page] = await open(name);
      tabs.push(new Tab(page));
      await tabs.at(-1).free();
    }
    await tabs[0].press('Ask');
    const [near, same] = [await tabs[0].matched(), await tabs[1].matched()];
    assert.ok(near <= 100, `${near} m apart, want at most 100`);
    assert.equal(near, same);
    await home.page.locator('#matches').filter({hasText: /^[1-9]/}).waitFor();
    await home.page.getByLabel('Or as somebody else').fill('zoë & co');
    await home.page.keyboard.press('Enter');
    await home.free();
    assert.match(await home.page.textContent('#identity'), /zoë & co/);
    await tabs[0].press('End');
    await home.close();
  },

  async 'one drags and the other sees it'(stage) {
    const [ana, ben] = await stage.pair();
    assert.equal(await ana.page.textContent('#peer text'), 'your match');
    const before = await ana.matched(), there = await ana.middle('#peer .core');
    await ben.drag(130, 60);
    const after = await ben.matched();
    assert.notEqual(after, before, 'the distance that the one who drags is told');
    await ana.says(new RegExp(` ${after} m away`));
    const now = await ana.middle('#peer .core');
    assert.ok(now.x > there.x + 50 && now.y > there.y + 20, `the peer went from ${JSON.stringify(there)} to ${JSON.stringify(now)}`);
    // By keys, too.
    await ben.page.locator('#me').focus();
    for (let i = 0; i < 4; i++) await ben.page.keyboard.press('Shift+ArrowRight');
    await until('ana sees 200 m more', async () => await ana.matched() === await ben.matched() && await ana.matched() > after + 100);
    await ben.press('Copy');
    await ben.page.getByRole('button', {name: /^(Copied|Selected)$/}).waitFor();
    // Neither page has ever heard the other's name.
    for (const [tab, other] of [[ana, 'ben'], [ben, 'ana']]) assert.ok(!(await tab.frames()).includes(`"${other}"`));
    await close(ana, ben);
  },

  async 'a reload goes on with the match'(stage) {
    const [ana, ben] = await stage.pair();
    await ben.drag(-60, 40);
    const far = await ben.matched();
    await ana.says(new RegExp(` ${far} m away`));
    for (const tab of [ana, ben]) {
      await tab.page.reload();
      await tab.says(new RegExp(`matched with someone (who asked )?${far} m away`));
      assert.match(await tab.frames(), /"state":"active"/);
    }
    await close(ana, ben);
  },

  async 'both ask at once'(stage) {
    const tabs = await stage.together(['ana', 'ben']);
    for (const button of ['Ask', 'Ask and wait 60 s', 'Ask', 'Ask and wait 60 s']) {
      // A match may come before the second click: then the button is off.
      await Promise.all(tabs.map(tab => tab.press(button, {timeout: 500}).catch(() => tab.matched())));
      await Promise.all(tabs.map(tab => tab.matched()));
      await tabs[0].press('End');
      await Promise.all(tabs.map(tab => tab.free()));
    }
    await close(...tabs);
  },

  async 'one waits and the other comes'(stage) {
    const ana = await stage.join('ana');
    await ana.free();
    await ana.press('Ask');
    await ana.notes(/^Nobody was free within 3 km/);
    await ana.press('Ask and wait 60 s');
    await ana.says(/^You wait for somebody until/);
    await ana.page.locator('#me.waiting').waitFor();
    await ana.page.locator('#waiting').filter({hasText: /^1$/}).waitFor();
    await ana.press('Cancel');
    await ana.notes(/^You took your request back/);
    await ana.press('Ask and wait 60 s');
    await ana.says(/^You wait/);
    const ben = await stage.join('ben');
    await Promise.all([ana.matched(), ben.matched()]);
    await close(ana, ben);
  },

  async 'a lost socket and coming back'(stage) {
    const [ana, ben] = await stage.pair();
    await ana.press('Drop the socket');
    await ana.says(/^You dropped the socket/);
    await ben.drag(90, -30);
    const far = await ben.matched();
    await ana.press('Come back');
    await ana.says(new RegExp(` ${far} m away`));
    // While it waits, too: the one who comes meanwhile is there in the welcome.
    await ana.press('End');
    await Promise.all([ana.notes(/^The match has ended/), ben.notes(/^The match has ended/), ana.free(), ben.free()]);
    await close(ana, ben);
  },

  async 'a second tab takes over'(stage) {
    const first = await stage.join('ana');
    await first.free();
    const second = await Tab.beside(first.page.context(), first.page.url());
    await second.free();
    await first.says(/^Another tab took over/);
    await first.press('Take it back');
    await first.free();
    await second.says(/^Another tab took over/);
    // The one that was replaced stays away.
    const frames = await second.frames();
    await first.press('Ask');
    await first.notes(/^Nobody/);
    assert.equal(await second.frames(), frames);
    await close(first, second);
  },

  async 'on a phone, by touch'(stage) {
    const [ana, ben] = await stage.pair(phone);
    for (const {page} of [ana, ben]) {
      const [width, height] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
      assert.ok(width <= 390 && height <= 844, `the page is ${width}x${height} on a screen of 390x844`);
    }
    const before = await ana.matched();
    await ben.swipe(-70, -50);
    const after = await ben.matched();
    assert.notEqual(after, before);
    await ana.says(new RegExp(` ${after} m away`));
    await ben.press('End');
    await Promise.all([ana.free(), ben.free()]);
    await close(ana, ben);
  },

  async 'tokens are off, and on again'(stage) {
    const ana = await stage.join('ana');
    await ana.free();
    await ana.press('Drop the socket');
    const tokens = url => url.pathname === '/token';
    await ana.page.route(tokens, route => route.fulfill({status: 404}));
    await ana.press('Come back');
    await ana.says(/^This stack gives no tokens/);
    await ana.page.unroute(tokens);
    await ana.free();
    await ana.close();
  },

  async 'names and pools that cannot be'(stage) {
    for (const [query, words] of [[`me=${'x'.repeat(129)}`, /too long/], ['me=ana&pool=No_Pool', /That is no pool/]]) {
      const tab = await Tab.open(browser, `${base}/?${query}`);
      await tab.page.locator('#spoken').filter({hasText: words}).waitFor();
      assert.ok(await tab.page.locator('#invitation').isVisible());
      await tab.close();
    }
    const hostile = await stage.join('<img src=x onerror=alert(1)>}{/🐝');
    await hostile.free();
    assert.equal(await hostile.page.locator('#identity b').textContent(), '<img src=x onerror=alert(1)>}{/🐝');
    await hostile.close();
  },

  async 'the server stops and starts'(stage) {
    const [ana, ben] = await stage.pair();
    await told('stop');
    await Promise.all([ana, ben].map(tab => tab.says(/^The (server does not answer|connection was lost)/)));
    await ana.page.locator('#feed-state').filter({hasText: 'The stack does not answer'}).waitFor();
    assert.ok(await ana.page.getByRole('button', {name: 'End', exact: true}).isDisabled());
    await told('start');
    // By itself, or at once for who does not like to wait.
    await ben.press('Try now', {timeout: 1000}).catch(() => ben.free());
    await Promise.all([ana.free(), ben.free()]); // the embedded cache has forgotten the match
    await ana.page.locator('#feed-state').waitFor({state: 'hidden'});
    await ben.press('Ask');
    await Promise.all([ana.matched(), ben.matched()]);
    await close(ana, ben);
  },
};

async function play(name) {
  const start = Date.now();
  let error;
  const pool = `tabs-${run}-${Object.keys(cases).indexOf(name)}`;
  await cases[name](new Stage(pool)).catch(e => { error = e.stack; });
  console.log(JSON.stringify({name, ms: Date.now() - start, error}));
}

browser = await launch();
try {
  const names = Object.keys(cases).filter(name => wanted.length === 0 || wanted.includes(name));
  for (const name of names) await play(name);
} finally {
  await browser.close();
}
process.stdin.destroy();
