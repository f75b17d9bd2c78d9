// Lets the owner of a token in. In the second half of its life the answer brings the next one.
const tokens = require('./tokens');
const users = require('../express_common/users');
const wrap = require('../express_common/wrap');

async function authenticate(req, res, next) {
  const [scheme, token] = (req.headers.authorization ?? '').split(' ');
  let payload;

  if (scheme !== 'Bearer' || !token) {
    return res.status(401).json({ message: 'No token' });
  }
  try {
    payload = tokens.verify(token);
  } catch (error) {
    return res.status(401).json({ message: error.message });
  }
  const user = await users.find(payload.sub);
  if (!user || user.token_version !== payload.version) {
    return res.status(401).json({ message: 'Signed out' });
  }
  if (tokens.isDue(payload)) {
    res.set('Authorization', `Bearer ${tokens.sign(user)}`);
    res.set('Access-Control-Expose-Headers', 'Authorization');
  }
  req.user = user;
  return next();
}

module.exports = wrap(authenticate);
