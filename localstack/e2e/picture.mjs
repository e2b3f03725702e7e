// Takes docs/two-tabs.png, a picture of two matched tabs side by side. It needs a stack
// that has just started, with simulated members:
//
//   npm run picture [-- http://127.0.0.1:8080]
import {fileURLToPath} from 'node:url';
import {launch} from './chromium.mjs';
import {Tab} from './tabs.mjs';

const base = process.argv[2] ?? 'http://127.0.0.1:8080';
const path = fileURLToPath(new URL('../../docs/two-tabs.png', import.meta.url));
const look = {viewport: {width: 600, height: 700}, colorScheme: 'light'};

const browser = await launch();
const [ana, ben] = await Promise.all(['ana', 'ben'].map(name => Tab.open(browser, `${base}/?me=${name}`, look)));
await Promise.all([ana.free(), ben.free()]);
await ana.press('Ask');
await Promise.all([ana.matched(), ben.matched()]);
await ben.drag(130, -40);
const distance = await ben.matched();
await ana.says(new RegExp(` ${distance} m away`));
for (const tab of [ana, ben]) await tab.page.locator('#matches').filter({hasText: /^1$/}).waitFor();

const shots = await Promise.all([ana, ben].map(async tab => (await tab.page.screenshot()).toString('base64')));
const page = await browser.newPage({viewport: {width: 1260, height: 740}});
await page.setContent(`<style>
  body { margin: 0; padding: 20px; display: flex; gap: 20px; background: #d9d2c3; }
  img { width: 600px; height: 700px; border-radius: 10px; box-shadow: 0 3px 14px #0004; }
</style>${shots.map(shot => `<img src="data:image/png;base64,${shot}">`).join('')}`);
await page.evaluate(() => Promise.all([...document.images].map(image => image.decode())));
await page.screenshot({path});
await ana.press('End');
await ana.free();
await browser.close();
console.log(path);
