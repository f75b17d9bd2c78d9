// A refresh token is bound to the browser that it was given to, and only the newest one counts.
const { Router } = require('express');
const { newApp, serve } = require('../express_common/serve');
const fingerprintOf = require('./fingerprint');
const tokens = require('./tokens');
const users = require('../express_common/users');
const versions = require('./versions');
const wrap = require('../express_common/wrap');

const refuse = (res, status, code, message) => res.status(status).json({ code, message });

const answerTokens = (req, res, sub, version) =>
  res.json({
    accessToken: tokens.access.sign({ sub }),
    refreshToken: tokens.refresh.sign({ sub, version, fingerprint: fingerprintOf(req) }),
  });

const auth = Router();
auth.post('/login', wrap(async (req, res) => {
  const user = await users.verify(req.body.username, req.body.password);

  if (!user) return refuse(res, 401, 'WRONG_PASSWORD', 'Wrong name or password');
  return answerTokens(req, res, user.name, await versions.start(user.name));
}));

auth.post('/refresh', wrap(async (req, res) => {
  const claims = tokens.refresh.verify(req.body.refreshToken);

  if (!claims) return refuse(res, 401, 'REFRESH_EXPIRED', 'Please sign in again');
  if (claims.fingerprint !== fingerprintOf(req)) {
    return refuse(res, 403, 'OTHER_BROWSER', 'This is not where you signed in');
  }
  const version = await versions.renew(claims.sub, claims.version);
  if (!version) return refuse(res, 401, 'SUPERSEDED', 'You have signed in elsewhere');
  return answerTokens(req, res, claims.sub, version);
}));

const api = Router();
api.get('/me', (req, res) => {
  const [scheme, token] = (req.headers.authorization ?? '').split(' ');
  const claims = scheme === 'Bearer' && tokens.access.verify(token);

  if (!claims) return refuse(res, 401, 'ACCESS_EXPIRED', 'No valid access token');
  return res.json({ name: claims.sub });
});

const app = newApp();
app.use('/api/auth', auth);
app.use('/api', api);
versions.prepare().then(() => serve(app));
