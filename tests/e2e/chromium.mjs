// A person with a real browser: signs in with headless Chromium, by clicks and keys.
//   node chromium.mjs URL
// Ends when the browser has come back from the server to where the sign-in began, and prints what
// the person reads there. Exits with 1 where that does not happen.
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import puppeteer from 'puppeteer-core';

const PATIENCE_MS = 60 * 1000;
const url = new URL(process.argv[2]);
const comesBackTo = new URL(url.searchParams.get('redirect_uri'));

function launch(profile) {
  return puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    userDataDir: profile,
    pipe: true,
    timeout: PATIENCE_MS,
    args: [
      '--no-sandbox', // tests run as root in containers; the pages are our own
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
      // Nothing but the loopback: the server's pages ask for a font from outside.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  });
}

// The page that the click leads to, redirects followed.
async function click(page, selector) {
  await Promise.all([page.waitForNavigation({ waitUntil: 'domcontentloaded' }), page.click(selector)]);
}

async function signIn(page) {
  await page.goto(url.href, { waitUntil: 'domcontentloaded' });
  await page.type('input[name=login]', 'alice');
  await page.type('input[name=password]', 'a password');
  await click(page, 'button[type=submit]');
  await page.waitForSelector('input[name=prompt][value=consent]');
  await click(page, 'button[type=submit]');
}

const profile = await fs.mkdtemp(path.join(os.tmpdir(), 'tacit-chromium-'));
let browser;
try {
  browser = await launch(profile);
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await signIn(page);
  const here = new URL(page.url());
  if (here.origin !== comesBackTo.origin) throw new Error(`the sign-in ended at ${here.origin}`);
  console.log(await page.$eval('body', (body) => body.innerText));
} finally {
  await browser?.close();
  await fs.rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
