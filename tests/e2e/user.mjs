// A person made of plain HTTP: follows redirects, keeps cookies, fills in the forms of the server.
//   node user.mjs [--jar FILE] [--code CODE] [--deny] URL
// The jar keeps the cookies between two runs; the code is what a device shows. Prints the last page:
// its status, where it is, its heading. Exits with 1 when that page is an error.
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';
import { formOf, headingOf, cancelLinkOf } from './page.mjs';

const PAGES_MAX = 20;

const { values: options, positionals: [start] } = parseArgs({
  allowPositionals: true,
  options: {
    jar: { type: 'string' },
    code: { type: 'string' },
    deny: { type: 'boolean', default: false },
  },
});

// By origin, name to value: paths and expiry do not matter to so short a visit.
const cookies = options.jar && fs.existsSync(options.jar)
  ? JSON.parse(fs.readFileSync(options.jar, 'utf8')) : {};

function remember(url, lines) {
  const ours = (cookies[url.origin] ??= {});
  for (const line of lines) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    if (value === '') delete ours[name];
    else ours[name] = value;
  }
}

async function request(url, form) {
  const cookie = Object.entries(cookies[url.origin] ?? {}).map((pair) => pair.join('=')).join('; ');
  const asking = http.request(url, { method: form ? 'POST' : 'GET', headers: cookie ? { cookie } : {} });
  if (form) asking.setHeader('content-type', 'application/x-www-form-urlencoded');
  asking.end(form && new URLSearchParams(form).toString());

  const [response] = await once(asking, 'response');
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  const { location, 'set-cookie': lines = [] } = response.headers;
  remember(url, lines);
  return { url, text, status: response.statusCode, next: location && new URL(location, url) };
}

let codeEntered = false;

// What the person enters and presses on a page with that form; undefined: nothing, and that is it.
function answerTo(form) {
  if ('login' in form.fields) return { login: 'alice', password: 'a password' };
  if (form.id === 'op.deviceInputForm') {
    if (codeEntered) return undefined; // asked for another one
    codeEntered = true;
    return options.code ? { user_code: options.code } : {};
  }
  if (form.id === 'op.deviceConfirmForm') return options.deny ? { abort: 'yes' } : {};
  if (form.id === 'op.logoutForm') return { logout: 'yes' };
  return {}; // only to go on
}

async function leave(page) {
  if (page.next) return request(page.next);
  const cancel = options.deny && cancelLinkOf(page.text);
  if (cancel) return request(new URL(cancel, page.url));
  const form = formOf(page.text);
  const answer = form && answerTo(form);
  return answer && request(new URL(form.action, page.url), { ...form.fields, ...answer });
}

let page = await request(new URL(start));
for (let seen = 1; ; seen++) {
  const next = await leave(page);
  if (!next) break;
  if (seen === PAGES_MAX) throw new Error(`no end after ${PAGES_MAX} pages, at ${page.url.pathname}`);
  page = next;
}
if (options.jar) fs.writeFileSync(options.jar, JSON.stringify(cookies), { mode: 0o600 });
console.log(page.status, page.url.origin + page.url.pathname, headingOf(page.text));
process.exitCode = page.status < 400 ? 0 : 1;
