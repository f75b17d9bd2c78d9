// Standard forms with strict security: rolling refresh tokens, the end of a sign-in when one is used twice,
// bound devices, and an alarm for whoever renews too often.
const { Router } = require('express');
const { newApp, serve } = require('../express_common/serve');
const families = require('./families');
const pause = require('../express_common/pause');
const requireToken = require('./require_token');
const tokenEndpoint = require('./token_endpoint');
const wrap = require('../express_common/wrap');

const api = Router();
api.get('/hello', requireToken, (req, res) => res.json({ hello: req.user }));
api.get('/slow', pause, requireToken, pause, (req, res) => res.json({ hello: req.user }));
// "Check my sessions": whoever holds an access token has to renew it.
api.post('/end-access-tokens', requireToken, wrap(async (req, res) => {
  await families.endAccessTokens(req.family.id);
  res.status(204).end();
}));

const app = newApp();
app.use('/oauth', tokenEndpoint);
app.use('/api', api);
families.connect().then(() => serve(app));
