// What tells one browser from another, in a form that tells nobody else.
const { createHmac } = require('node:crypto');
const { secret } = require('../express_common/environment');

const KEY = secret('FINGERPRINT_SECRET');
const HEADERS = [
  'user-agent',
  'accept-language',
  'accept-encoding',
  'sec-ch-ua',
  'sec-ch-ua-platform',
  'x-forwarded-for',
];

module.exports = (req) =>
  createHmac('sha256', KEY)
    .update(JSON.stringify(HEADERS.map((name) => req.headers[name] ?? null)))
    .digest('base64url');
