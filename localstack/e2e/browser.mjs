// Tests of the page at / in a real browser. It prints a line of JSON for each case,
// {name, ms, error}. With {do: "stop"} or {do: "start"} it asks its caller to stop or
// start the stack, and waits for a line of input.
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
const input = createInterface({input: process.stdin})[Symbol.asyncIterator]();
let browser;

// A TestPool is the pool of one case. It opens the tabs of its members.
class TestPool {
  constructor(pool) {
    this.pool = pool;
  }

  join(name, look, between) {
    return Tab.open(browser, this.#url(name), look, between);
  }

  // joinAt opens the tab of a member that begins elsewhere.
  async joinAt(point, name) {
    const tab = await Tab.open(browser, base);
    await tab.page.evaluate(([key, value]) => sessionStorage.setItem(key, value), [`point ${this.pool}/${name}`, JSON.stringify(point)]);
    await tab.page.goto(this.#url(name));
    await tab.free();
    return tab;
  }

  #url(name) {
    return `${base}/?me=${encodeURIComponent(name)}&pool=${this.pool}`;
  }

  // joinAll opens a tab for each name, and waits until all are free.
  async joinAll(names, look) {
    const tabs = await Promise.all(names.map(name => this.join(name, look)));
    await Promise.all(tabs.map(tab => tab.free()));
    return tabs;
  }

  // pair opens two tabs, of which the first has asked and found the second.
  async pair(look) {
    const [ana, ben] = await this.joinAll(['ana', 'ben'], look);
    await ana.press('Ask');
    await Promise.all([ana.matched(), ben.matched()]);
    return [ana, ben];
  }
}

// request asks the caller to do something, and waits until it is done.
async function request(what) {
  console.log(JSON.stringify({do: what}));
  await input.next();
}

const close = (...tabs) => Promise.all(tabs.map(tab => tab.close()));

const cases = {
  async 'the introduction leads to a match'() {
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
    await home.page.getByLabel('Or join with another name').fill('zoë & co');
    await home.page.keyboard.press('Enter');
    await home.free();
    assert.match(await home.page.textContent('#identity'), /zoë & co/);
    await tabs[0].press('End');
    await home.close();
  },

  async 'the matcher sees the matchee move'(members) {
    const [ana, ben] = await members.pair();
    assert.equal(await ana.page.textContent('#peer text'), 'your match');
    const before = await ana.matched(), there = await ana.middle('#peer .core');
    await ben.drag(130, 60);
    const after = await ben.matched();
    assert.notEqual(after, before, 'the distance that the matchee sees');
    await ana.says(new RegExp(` ${after} m away`));
    const now = await ana.middle('#peer .core');
    assert.ok(now.x > there.x + 50 && now.y > there.y + 20, `the peer went from ${JSON.stringify(there)} to ${JSON.stringify(now)}`);
    // With keys too.
    await ben.page.locator('#me').focus();
    for (let i = 0; i < 4; i++) await ben.page.keyboard.press('Shift+ArrowRight');
    await until('ana sees 200 m more', async () => await ana.matched() === await ben.matched() && await ana.matched() > after + 100);
    await ben.press('Copy');
    await ben.page.getByRole('button', {name: /^(Copied|Selected)$/}).waitFor();
    // No frame contains the other's name.
    for (const [tab, other] of [[ana, 'ben'], [ben, 'ana']]) assert.ok(!(await tab.frames()).includes(`"${other}"`));
    await close(ana, ben);
  },

  async 'a jump is reported once more, and is then taken'(members) {
    const ana = await members.join('ana');
    await ana.free();
    const {x, y} = await ana.middle('#me .core');
    await ana.page.mouse.move(x, y);
    for (let i = 0; i < 12; i++) await ana.page.mouse.wheel(0, 200);
    await ana.drag(300, 100);
    const acks = async () => (await ana.frames()).split('\n').filter(line => line.includes('"type":"ack"'));
    await until('the jump is refused', async () => (await acks()).some(line => line.includes('"position":"jump"')));
    await until('it is taken', async () => !(await acks())[0].includes('"position"')); // long before the next report is advised
    await close(ana);
  },

  async 'a reload keeps the match'(members) {
    const [ana, ben] = await members.pair();
    await ben.drag(-60, 40);
    const far = await ben.matched();
    await ana.says(new RegExp(` ${far} m away`));
    for (const tab of [ana, ben]) {
      await tab.page.reload();
      await tab.says(new RegExp(`matched with someone (who asked from )?${far} m away`));
      assert.match(await tab.frames(), /"state":"active"/);
    }
    await close(ana, ben);
  },

  async 'both ask at once'(members) {
    const tabs = await members.joinAll(['ana', 'ben']);
    for (const button of ['Ask', 'Ask and wait 60 s', 'Ask', 'Ask and wait 60 s']) {
      await Promise.all(tabs.map(tab => tab.pressUnlessMatched(button)));
      await Promise.all(tabs.map(tab => tab.matched()));
      await tabs[0].press('End');
      await Promise.all(tabs.map(tab => tab.free()));
    }
    await close(...tabs);
  },

  async 'a waiting request is matched when a member comes'(members) {
    const ana = await members.join('ana');
    await ana.free();
    await ana.press('Ask');
    await ana.notes(/^Nobody was free within 3 km/);
    await ana.press('Ask and wait 60 s');
    await ana.says(/^You are waiting for a match until/);
    await ana.page.locator('#me.waiting').waitFor();
    await ana.page.locator('#waiting').filter({hasText: /^1$/}).waitFor();
    await ana.press('Cancel');
    await ana.notes(/^You cancelled your request/);
    await ana.press('Ask and wait 60 s');
    await ana.says(/^You are waiting/);
    const ben = await members.join('ben');
    await Promise.all([ana.matched(), ben.matched()]);
    await close(ana, ben);
  },

  async 'a member is asked: it declines, does not answer, or accepts'(members) {
    const [ana, ben] = await members.joinAll(['ana', 'ben']);
    const ask = async () => {
      await ana.press('Ask');
      await Promise.all([ana.says(/^Someone within \d+ m is asked until/), ben.says(/^Someone within \d+ m asks for you until/)]);
    };
    await ana.page.getByLabel('Let them accept first').check();
    await ask();
    await ben.press('Decline');
    await Promise.all([ana.notes(/^Nobody was free within/), ben.notes(/^You declined/), ana.free(), ben.free()]);
    await ask();
    await ana.press('Cancel');
    await Promise.all([ana.notes(/^You cancelled your request/), ben.notes(/^They withdrew their request/), ana.free(), ben.free()]);
    await ask();
    await ben.page.reload();
    await ben.says(/^Someone within \d+ m asks for you until/);
    await Promise.all([ana, ben].map(tab => tab.page.locator('#state').filter({hasText: /^You are free/}).waitFor({timeout: 30_000})));
    await Promise.all([ana.notes(/^Nobody was free within/), ben.notes(/^You did not answer in time/)]);
    assert.ok(!(await ana.frames()).includes('"peer"') && !(await ben.frames()).includes('"peer"'), 'a position before a match');
    await ask();
    await ben.press('Accept');
    await Promise.all([ana.matched(), ben.matched()]);
    assert.ok(await ben.page.getByRole('button', {name: 'Accept'}).isHidden());
    await close(ana, ben);
  },

  async 'the map shows a pair in an offer as busy'(members) {
    const [ana, ben] = await members.joinAll(['ana', 'ben']);
    const counts = async (free, waiting, offered) => {
      for (const [id, count] of Object.entries({free, waiting, offered})) {
        await ana.page.locator(`#${id}`).filter({hasText: new RegExp(`^${count}$`)}).waitFor();
      }
    };
    await counts(2, 0, 0);
    await ana.page.getByLabel('Let them accept first').check();
    await ana.press('Ask');
    await ben.says(/asks for you until/);
    await counts(0, 0, 2);
    await ana.page.locator('#dots .offered').filter({hasText: `${members.pool}/ben`}).waitFor();
    await Promise.all([ana, ben].map(tab => tab.page.locator('#me.offered').waitFor()));
    await ben.press('Decline');
    await counts(2, 0, 0);
    await ana.page.locator('#dots .free').filter({hasText: `${members.pool}/ben`}).waitFor();
    await close(ana, ben);
  },

  async 'nearby shows the counts of cells'(members) {
    const alone = await new TestPool(`${members.pool}-alone`).join('ana');
    await alone.free();
    await alone.press('Count members nearby');
    await alone.notes(/^No cell around you has three members/);
    const [ana, ...others] = await members.joinAll(['ana', 'ben', 'cai']);
    await ana.press('Count members nearby');
    await ana.notes(/^3 members are available around you/);
    const cell = ana.page.locator('#cells polygon');
    await cell.waitFor();
    assert.deepEqual(await ana.page.locator('#cells text').allTextContents(), ['3']);
    const [outline, map, me] = await Promise.all([ana.box('#cells polygon'), ana.box('#map'), ana.middle('#me .core')]);
    const inside = (x, y, box) => x >= box.x && y >= box.y && x <= box.x + box.width && y <= box.y + box.height;
    assert.ok(inside(outline.x, outline.y, map) && inside(outline.x + outline.width, outline.y + outline.height, map), 'the cell is not on the map');
    assert.ok(inside(me.x, me.y, outline), 'the member is not in its cell');
    await ana.press('Count members nearby');
    await cell.waitFor({state: 'detached'});
    await close(alone, ana, ...others);
  },

  async 'a waiting request widens until it reaches a member'(members) {
    const ben = await members.joinAt({lat: 37.8199, lng: -122.4194}, 'ben'); // 5 km to the north
    const ana = await members.join('ana');
    await ana.free();
    await ana.page.getByLabel('Widen the wait').check();
    await ana.page.getByLabel('Seconds to widen in').fill('4');
    await ana.press('Ask');
    await ana.notes(/^Nobody was free within 3 km/);
    assert.ok(!(await ana.frames()).includes('widen'), 'a request that does not wait widens');
    await ana.press('Ask and wait 60 s');
    await ana.notes(/^The circle grows to 10 km within 4 s/);
    await Promise.all([ana.says(/^You are matched with someone 5 km away/), ben.says(/^You are matched with someone who asked from 5 km away/)]);
    assert.match(await ana.frames(), /"wait":60,"widenTo":10000,"widenSeconds":4/);
    await close(ana, ben);
  },

  async 'a dropped socket reconnects'(members) {
    const [ana, ben] = await members.pair();
    await ana.press('Drop the socket');
    await ana.says(/^You dropped the socket/);
    await ben.says(/^You are matched with someone who is away since/);
    await ben.drag(90, -30);
    await ana.press('Reconnect');
    const far = await ben.matched();
    await ana.says(new RegExp(` ${far} m away`));
    await ana.press('End');
    await Promise.all([ana.notes(/^The match has ended/), ben.notes(/^The match has ended/), ana.free(), ben.free()]);
    await close(ana, ben);
  },

  async 'a second tab takes over'(members) {
    const first = await members.join('ana');
    await first.free();
    const second = await Tab.beside(first.page.context(), first.page.url());
    await second.free();
    await first.says(/^Another tab took over/);
    await first.press('Use this tab');
    await first.free();
    await second.says(/^Another tab took over/);
    // The replaced tab does not reconnect.
    const frames = await second.frames();
    await first.press('Ask');
    await first.notes(/^Nobody/);
    assert.equal(await second.frames(), frames);
    await close(first, second);
  },

  async 'on a phone, by touch'(members) {
    const [ana, ben] = await members.pair(phone);
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

  async 'a stack without tokens'(members) {
    const ana = await members.join('ana');
    await ana.free();
    await ana.press('Drop the socket');
    const tokens = url => url.pathname === '/token';
    await ana.page.route(tokens, route => route.fulfill({status: 404}));
    await ana.press('Reconnect');
    await ana.says(/^This stack issues no tokens/);
    await ana.page.unroute(tokens);
    await ana.free();
    await ana.close();
  },

  async 'invalid names and pools'(members) {
    for (const [query, words] of [[`me=${'x'.repeat(129)}`, /too long/], ['me=ana&pool=No_Pool', /not a pool name/]]) {
      const tab = await Tab.open(browser, `${base}/?${query}`);
      await tab.page.locator('#announcer').filter({hasText: words}).waitFor();
      assert.ok(await tab.page.locator('#introduction').isVisible());
      await tab.close();
    }
    const hostile = await members.join('<img src=x onerror=alert(1)>}{/🐝');
    await hostile.free();
    assert.equal(await hostile.page.locator('#identity b').textContent(), '<img src=x onerror=alert(1)>}{/🐝');
    await hostile.close();
  },

  async 'what the server has lost is told'(members) {
    const ana = await members.join('ana', {}, true);
    await ana.free();
    const lose = () => ana.push({type: 'welcome', member: 'ana', pool: members.pool, protocol: 1, now: Date.now(),
      expiresAt: Date.now() + 3_600_000, report: {afterSeconds: 300, moveMeters: 1000}, available: true, tags: ['xl']});
    await ana.press('Ask and wait 60 s');
    await ana.says(/^You are waiting/);
    lose();
    await ana.notes(/^The server has lost your request/);
    await ana.free(); // it reports at once, whatever the advice
    ana.push({type: 'no_match', id: 'of another request', radius: 5});
    ana.push({type: 'weather', sky: {clouds: 3}}); // a newer server
    const ben = await members.join('ben');
    await Promise.all([ana.matched(), ben.matched()]); // the real server still has it
    lose();
    await ana.notes(/^The server has lost the match/);
    await ben.press('End');
    await ben.free();
    await close(ana, ben);
  },

  async 'a member that nobody finds learns it'(members) {
    const ana = await members.join('ana', {}, true);
    await ana.free();
    const ack = {type: 'ack', report: {afterSeconds: 300, moveMeters: 1000}};
    ana.push({...ack, unlisted: {until: Date.now() + 60_000, reason: 'ended_early'}});
    await ana.says(/^Nobody can find you until/);
    ana.push(ack);
    await ana.free();
    await ana.close();
  },

  async 'a cancel names its request, and an older reply is not taken for a newer one'(members) {
    const ana = await members.join('ana', {}, true);
    await ana.free();
    await ana.press('Ask and wait 60 s');
    await ana.says(/^You are waiting/);
    await ana.press('Cancel');
    await ana.notes(/^You cancelled your request/);
    const [, reply, request] = (await ana.frames()).match(/"action":"cancel","id":"([^"]+)","request":"([^"]+)"/);
    await ana.press('Ask and wait 60 s');
    await ana.says(/^You are waiting/);
    ana.push({type: 'ended', id: request, reason: 'cancelled'});
    ana.push({type: 'ended', id: reply, reason: 'cancelled'});
    ana.push({type: 'no_match', id: request, radius: 4321});
    await until('the page has read it', async () => (await ana.frames()).includes('4321'));
    assert.match(await ana.page.textContent('#state'), /^You are waiting/);
    const ben = await members.join('ben');
    await Promise.all([ana.matched(), ben.matched()]);
    assert.equal(await ana.page.textContent('#note'), 'You asked, so you see where they move.');
    await close(ana, ben);
  },

  async 'the stack restarts'(members) {
    const [ana, ben] = await members.pair();
    await request('stop');
    await Promise.all([ana, ben].map(tab => tab.says(/^The (server does not answer|connection was lost)/)));
    await ana.page.locator('#feed-state').filter({hasText: 'The stack does not answer'}).waitFor();
    assert.ok(await ana.page.getByRole('button', {name: 'End', exact: true}).isDisabled());
    await request('start');
    // It reconnects by itself, or at once with the button.
    await ben.press('Retry now', {timeout: 1000}).catch(() => ben.free());
    await Promise.all([ana.free(), ben.free()]); // the embedded cache has forgotten the match
    await Promise.all([ana, ben].map(tab => tab.notes(/^The match has ended: the server no longer has it/)));
    await ana.page.locator('#feed-state').waitFor({state: 'hidden'});
    await ben.press('Ask');
    await Promise.all([ana.matched(), ben.matched()]);
    await close(ana, ben);
  },
};

async function runCase(name) {
  const start = Date.now();
  let error;
  const pool = `tabs-${run}-${Object.keys(cases).indexOf(name)}`;
  await cases[name](new TestPool(pool)).catch(e => { error = e.stack; });
  console.log(JSON.stringify({name, ms: Date.now() - start, error}));
}

browser = await launch();
try {
  const names = Object.keys(cases).filter(name => wanted.length === 0 || wanted.includes(name));
  for (const name of names) await runCase(name);
} finally {
  await browser.close();
}
process.stdin.destroy();
