// A browser for tests of pages: whichever of Chromium's kind the machine has.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge', 'chrome.exe'];
const elsewhere = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/** Its file; null where there is none. The variable BROWSER_FILE names another. */
export function findBrowser(): string | null {
  const named = process.env['BROWSER_FILE'];
  if (named !== undefined && named !== '') return named;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const files = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return [...files, ...elsewhere].find((file) => existsSync(file)) ?? null;
}

/** For `skip`: false, or what to do about it. */
export const noBrowser: string | false =
  findBrowser() === null
    ? 'no Chromium, Chrome or Edge was found: apt-get install chromium, https://www.chromium.org/getting-involved/download-chromium/, or BROWSER_FILE=/path/to/one'
    : false;

/** Starts it without a window, and without a way to anything but this machine. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: findBrowser() ?? '',
    // Its sandbox does not start as root, as in a container.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      '--disable-dev-shm-usage',
      '--disable-crash-reporter',
    ],
  });
}
