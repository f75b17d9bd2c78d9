// What tells one browser from another, in a form that tells nobody else.
const { createHmac } = require('node:crypto');

const HEADERS = [
  'user-agent',
  'accept-language',
  'accept-encoding',
  'sec-ch-ua',
  'sec-ch-ua-platform',
  'x-forwarded-for',
];

module.exports = (req) =>
  createHmac('sha256', process.env.FINGERPRINT_SECRET)
    .update(JSON.stringify(HEADERS.map((name) => req.headers[name] ?? null)))
    .digest('base64url');
