// Two kinds of tokens, each with a secret of its own, so that neither passes for the other.
const crypto = require('node:crypto');
const jwt = require('jsonwebtoken');

function kind(secret, lifetimeSeconds) {
  return {
    sign: (claims) =>
      jwt.sign(claims, secret, { expiresIn: lifetimeSeconds, jwtid: crypto.randomUUID() }),
    verify: (token) => jwt.verify(token, secret, { algorithms: ['HS256'] }),
  };
}

function secretFrom(name) {
  return process.env[name] ?? crypto.randomBytes(32).toString('hex');
}

module.exports = {
  access: kind(secretFrom('ACCESS_SECRET'), Number(process.env.ACCESS_TTL ?? 15 * 60)),
  refresh: kind(secretFrom('REFRESH_SECRET'), Number(process.env.REFRESH_TTL ?? 30 * 24 * 60 * 60)),
};
