const crypto = require('node:crypto');
const jwt = require('jsonwebtoken');
const environment = require('../express_common/environment');

const SECRET = environment.secret('JWT_SECRET');
const LIFETIME_S = environment.seconds('ACCESS_TTL', 7 * 24 * 60 * 60);

function sign(user) {
  return jwt.sign({ name: user.name, version: user.token_version }, SECRET, {
    expiresIn: LIFETIME_S,
    jwtid: crypto.randomUUID(),
  });
}

function verify(token) {
  return jwt.verify(token, SECRET, { algorithms: ['HS256'] });
}

module.exports = { sign, verify };
