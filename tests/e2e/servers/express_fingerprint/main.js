// A refresh token is bound to the browser that it was given to, and only the newest one counts.
const { Router } = require('express');
const { newApp, serve } = require('../express_common/serve');
const wrap = require('../express_common/wrap');
const fingerprintOf = require('./fingerprint');
const tokens = require('./tokens');
const users = require('./users');

const refuse = (res, status, code, message) => res.status(status).json({ code, message });

// The version is stored before the tokens go out: older ones end with that.
function answerTokens(req, res, user, version) {
  return res.json({
    accessToken: tokens.access.sign({ sub: String(user.id), name: user.name }),
    refreshToken: tokens.refresh.sign({
      sub: String(user.id),
      version,
      fingerprint: fingerprintOf(req),
    }),
  });
}

const auth = Router();
auth.post('/register', wrap(async (req, res) => {
  const { username, password } = req.body;

  if (!username || !password) return refuse(res, 400, 'INCOMPLETE', 'Name and password, please');
  if (!(await users.create(username, password))) return refuse(res, 409, 'TAKEN', 'Name is taken');
  return res.status(201).json({ name: username });
}));

auth.post('/login', wrap(async (req, res) => {
  const { username, password } = req.body;
  const user = await users.authenticate(username, password);

  if (!user) return refuse(res, 401, 'WRONG_PASSWORD', 'Wrong name or password');
  return answerTokens(req, res, user, await users.startVersion(user.id));
}));

auth.post('/refresh', wrap(async (req, res) => {
  const claims = tokens.refresh.verify(req.body.refreshToken);

  if (!claims) return refuse(res, 401, 'REFRESH_EXPIRED', 'Please sign in again');
  if (claims.fingerprint !== fingerprintOf(req))
    return refuse(res, 403, 'OTHER_BROWSER', 'This is not where you signed in');
  const user = await users.find(claims.sub);
  const version = user && (await users.renewVersion(user.id, claims.version));
  if (!version) return refuse(res, 401, 'SUPERSEDED', 'You have signed in elsewhere');
  return answerTokens(req, res, user, version);
}));

const api = Router();
api.get('/me', (req, res) => {
  const [scheme, token] = (req.headers.authorization ?? '').split(' ');
  const claims = scheme === 'Bearer' && tokens.access.verify(token);

  if (!claims) return refuse(res, 401, 'ACCESS_EXPIRED', 'No valid access token');
  return res.json({ name: claims.name });
});

async function main() {
  const app = newApp();

  await users.createTable();
  app.use('/api/auth', auth);
  app.use('/api', api);
  serve(app);
}

main();
