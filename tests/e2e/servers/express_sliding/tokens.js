const crypto = require('node:crypto');
const jwt = require('jsonwebtoken');

const SECRET = process.env.JWT_SECRET ?? crypto.randomBytes(32).toString('hex');
const LIFETIME_S = Number(process.env.ACCESS_TTL ?? 30 * 60);
const SLIDE_AFTER_S = Number(process.env.SLIDE_AFTER ?? LIFETIME_S / 2);

function sign(user) {
  return jwt.sign({ version: user.tokenVersion }, SECRET, {
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
