// Sliding expiration: one token and no refresh token. Who makes no request for a token's whole life signs
// in again.
const { Router } = require('express');
const { newApp, serve } = require('../express_common/serve');
const authenticate = require('./authenticate');
const pause = require('../express_common/pause');
const tokens = require('./tokens');
const users = require('../express_common/users');
const wrap = require('../express_common/wrap');

const session = Router();
session.post('/login', wrap(async (req, res) => {
  const user = await users.verify(req.body.username, req.body.password);

  if (!user) return res.status(401).json({ message: 'Wrong username or password' });
  return res.json({ token: tokens.sign(user), user: { name: user.name } });
}));
session.post('/logout-everywhere', authenticate, wrap(async (req, res) => {
  await users.signOutEverywhere(req.user.name);
  res.removeHeader('Authorization');
  res.status(204).end();
}));

const api = Router();
api.get('/hello', authenticate, (req, res) => res.json({ hello: req.user.name }));
api.get('/slow', pause, authenticate, pause, (req, res) => res.json({ hello: req.user.name }));

const app = newApp();
app.use('/session', session);
app.use('/api', api);
serve(app);
