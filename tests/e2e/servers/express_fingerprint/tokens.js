const jwt = require('jsonwebtoken');

function kind(secret, lifetimeSeconds) {
  return {
    sign: (claims) => jwt.sign(claims, secret, { expiresIn: lifetimeSeconds }),
    // Its claims; undefined for one that is not valid, or over.
    verify: (token) => {
      try {
        return jwt.verify(token, secret, { algorithms: ['HS256'] });
      } catch {
        return undefined;
      }
    },
  };
}

module.exports = {
  access: kind(process.env.ACCESS_SECRET, Number(process.env.ACCESS_TTL ?? 30 * 60)),
  refresh: kind(process.env.REFRESH_SECRET, Number(process.env.REFRESH_TTL ?? 14 * 24 * 60 * 60)),
};
