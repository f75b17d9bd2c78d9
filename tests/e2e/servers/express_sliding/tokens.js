const crypto = require('node:crypto');
const jwt = require('jsonwebtoken');
const environment = require('../express_common/environment');

const SECRET = environment.secret('JWT_SECRET');
const LIFETIME_S = environment.seconds('ACCESS_TTL', 30 * 60);
const SLIDE_AFTER_S = environment.seconds('SLIDE_AFTER', LIFETIME_S / 2);

function sign(user) {
  return jwt.sign({ version: user.token_version }, SECRET, {
    subject: user.name,
    expiresIn: LIFETIME_S,
    jwtid: crypto.randomUUID(),
  });
}

function verify(token) {
  return jwt.verify(token, SECRET, { algorithms: ['HS256'] });
}

function isDue(payload) {
  return Date.now() / 1000 >= payload.iat + SLIDE_AFTER_S;
}

module.exports = { sign, verify, isDue };
