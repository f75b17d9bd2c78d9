// Every answer to somebody who is signed in brings a new token.
const tokens = require('./tokens');
const users = require('../express_common/users');
const wrap = require('../express_common/wrap');

function payloadOf(authorization) {
  try {
    return tokens.verify((authorization ?? '').replace(/^Bearer /, ''));
  } catch {
    return undefined;
  }
}

async function requireToken(req, res, next) {
  const payload = payloadOf(req.headers.authorization);
  const user = payload && (await users.find(payload.name));

  if (!user || user.token_version !== payload.version) {
    return res.status(401).json({ success: false, error: 'Please log in' });
  }
  req.user = user;
  res.set('X-Auth-Token', tokens.sign(user));
  return next();
}

module.exports = wrap(requireToken);
