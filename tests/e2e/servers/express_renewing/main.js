// A single token of seven days that every answer renews.
const { newApp, serve } = require('../express_common/serve');
const pause = require('../express_common/pause');
const requireToken = require('./require_token');
const tokens = require('./tokens');
const users = require('../express_common/users');
const wrap = require('../express_common/wrap');

const app = newApp();

app.post('/login', wrap(async (req, res) => {
  const user = await users.verify(req.body.email, req.body.password);

  if (!user) return res.status(403).json({ success: false, error: 'Wrong email or password' });
  return res.json({ success: true, data: { token: tokens.sign(user) } });
}));
app.post('/logout-everywhere', requireToken, wrap(async (req, res) => {
  await users.signOutEverywhere(req.user.name);
  res.removeHeader('X-Auth-Token');
  res.json({ success: true });
}));
app.get('/api/hello', requireToken, (req, res) => {
  res.json({ success: true, data: { hello: req.user.name } });
});
app.get('/api/slow', pause, requireToken, pause, (req, res) => {
  res.json({ success: true, data: { hello: req.user.name } });
});

serve(app);
