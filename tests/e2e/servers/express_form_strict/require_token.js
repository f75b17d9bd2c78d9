// RFC 6750 section 3.
const jwt = require('jsonwebtoken');
const config = require('./config');
const families = require('./families');
const wrap = require('../express_common/wrap');

function refuse(res, description) {
  res.set('WWW-Authenticate',
    `Bearer realm="bank", error="invalid_token", error_description="${description}"`);
  res.status(401).json({ error: 'invalid_token', error_description: description });
}

function payloadOf(req) {
  try {
    const token = (req.headers.authorization ?? '').replace(/^Bearer /, '');
    return jwt.verify(token, config.secret, { algorithms: ['HS256'] });
  } catch {
    return undefined;
  }
}

module.exports = wrap(async (req, res, next) => {
  const payload = payloadOf(req);

  if (!payload) return refuse(res, 'The access token is over');
  const family = await families.find(payload.family);
  if (!family || family.revision !== payload.revision) {
    return refuse(res, 'The access token was revoked');
  }
  req.user = payload.sub;
  req.family = family;
  return next();
});
