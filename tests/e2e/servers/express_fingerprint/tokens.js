const jwt = require('jsonwebtoken');
const { secret, seconds } = require('../express_common/environment');

function kind(key, lifetimeSeconds) {
  return {
    sign: (claims) => jwt.sign(claims, key, { expiresIn: lifetimeSeconds }),
    // Its claims; undefined for one that is not valid, or over.
    verify: (token) => {
      try {
        return jwt.verify(token, key, { algorithms: ['HS256'] });
      } catch {
        return undefined;
      }
    },
  };
}

module.exports = {
  access: kind(secret('ACCESS_SECRET'), seconds('ACCESS_TTL', 30 * 60)),
  refresh: kind(secret('REFRESH_SECRET'), seconds('REFRESH_TTL', 14 * 24 * 60 * 60)),
};
