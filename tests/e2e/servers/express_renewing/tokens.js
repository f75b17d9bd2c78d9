const crypto = require('node:crypto');
const jwt = require('jsonwebtoken');

const SECRET = process.env.JWT_SECRET ?? crypto.randomBytes(32).toString('hex');
const LIFETIME_S = Number(process.env.ACCESS_TTL ?? 7 * 24 * 60 * 60);

function sign(user) {
  return jwt.sign({ name: user.name, version: user.tokenVersion }, SECRET, {
    expiresIn: LIFETIME_S,
    jwtid: crypto.randomUUID(),
  });
}

function verify(token) {
  return jwt.verify(token, SECRET, { algorithms: ['HS256'] });
}

module.exports = { sign, verify };
