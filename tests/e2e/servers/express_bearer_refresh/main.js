// The refresh token comes as a bearer token and lives on: the answer is an access token and nothing else.
const { Router } = require('express');
const { newApp, serve } = require('../express_common/serve');
const bearer = require('./bearer');
const pause = require('../express_common/pause');
const tokens = require('./tokens');
const users = require('../express_common/users');
const wrap = require('../express_common/wrap');

const accessTokenFor = (user) => tokens.access.sign({ username: user.name, role: user.role });

const auth = Router();
auth.post('/login', wrap(async (req, res) => {
  const user = await users.verify(req.body.username, req.body.password);

  if (!user) return res.status(401).json({ code: 'WrongPassword', message: 'Wrong password' });
  return res.json({
    accessToken: accessTokenFor(user),
    refreshToken: tokens.refresh.sign({ username: user.name }),
  });
}));
auth.post('/refresh-token', bearer(tokens.refresh), (req, res) => {
  res.json({ accessToken: accessTokenFor(req.user) });
});

// An access token with another role than the user's is over: the next one has the right one.
function sameRole(req, res, next) {
  if (req.claims.role === req.user.role) return next();
  return res.status(401).json({ code: 'TokenStale', message: 'Your role has changed' });
}

const api = Router();
api.get('/hello', bearer(tokens.access), sameRole, (req, res) => {
  res.json({ hello: req.user.name, role: req.user.role });
});
api.get('/slow', pause, bearer(tokens.access), sameRole, pause, (req, res) => {
  res.json({ hello: req.user.name, role: req.user.role });
});
api.post('/role/:role', bearer(tokens.access), sameRole, wrap(async (req, res) => {
  await users.setRole(req.user.name, req.params.role);
  res.status(204).end();
}));

const app = newApp();
app.use('/', auth);
app.use('/api', api);
serve(app);
