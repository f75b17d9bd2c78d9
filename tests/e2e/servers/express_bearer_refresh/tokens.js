// Two kinds of tokens, each with a secret of its own, so that neither passes for the other.
const crypto = require('node:crypto');
const jwt = require('jsonwebtoken');
const environment = require('../express_common/environment');

function kind(secret, lifetimeSeconds) {
  return {
    sign: (claims) =>
      jwt.sign(claims, secret, { expiresIn: lifetimeSeconds, jwtid: crypto.randomUUID() }),
    verify: (token) => jwt.verify(token, secret, { algorithms: ['HS256'] }),
  };
}

module.exports = {
  access: kind(environment.secret('ACCESS_SECRET'), environment.seconds('ACCESS_TTL', 15 * 60)),
  refresh: kind(environment.secret('REFRESH_SECRET'),
    environment.seconds('REFRESH_TTL', 30 * 24 * 60 * 60)),
};
