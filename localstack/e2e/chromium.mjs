// Launches the system's Chromium for the tests and the picture.
import {existsSync} from 'node:fs';
import {delimiter, join} from 'node:path';
import {chromium} from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

export function launch() {
  const places = process.env.PATH.split(delimiter);
  const path = process.env.CHROMIUM ?? names.flatMap(name => places.map(place => join(place, name))).find(existsSync);
  if (!path) throw new Error('no browser: install chromium');
  return chromium.launch({
    executablePath: path,
    headless: true,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
}
