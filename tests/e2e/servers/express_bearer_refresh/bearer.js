// Middleware: a bearer token of this kind, and the user it belongs to.
const users = require('../express_common/users');
const wrap = require('../express_common/wrap');

const bearer = (kind) => wrap(async (req, res, next) => {
  const found = /^Bearer (.+)$/.exec(req.headers.authorization ?? '');

  if (!found) return res.status(401).json({ code: 'TokenMissing' });
  try {
    req.claims = kind.verify(found[1]);
  } catch (error) {
    const code = error.name === 'TokenExpiredError' ? 'TokenExpired' : 'TokenInvalid';
    return res.status(401).json({ code, message: error.message });
  }
  req.user = await users.find(req.claims.username);
  if (!req.user) return res.status(401).json({ code: 'TokenInvalid' });
  return next();
});

module.exports = bearer;
