// Every answer to somebody who is signed in brings a new token.
const tokens = require('./tokens');
const users = require('../express_common/users');

function payloadOf(authorization) {
  try {
    return tokens.verify((authorization ?? '').replace(/^Bearer /, ''));
  } catch {
    return undefined;
  }
}

function requireToken(req, res, next) {
  const payload = payloadOf(req.headers.authorization);
  const user = payload && users.find(payload.name);

  if (!user || user.tokenVersion !== payload.version) {
    return res.status(401).json({ success: false, error: 'Please log in' });
  }
  req.user = user;
  res.set('X-Auth-Token', tokens.sign(user));
  return next();
}

module.exports = requireToken;
