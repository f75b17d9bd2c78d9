// POST /oauth/token: password and refresh_token, as forms (RFC 6749 sections 4.3 and 6).
const crypto = require('node:crypto');
const jwt = require('jsonwebtoken');
const { Router } = require('express');
const alarm = require('./alarm');
const config = require('./config');
const families = require('./families');
const users = require('../express_common/users');
const wrap = require('../express_common/wrap');
const { OAuthError, answerOAuthError } = require('./oauth_error');

const CLIENT_ID = 'app';

// A device is what it says it is, and the program that said so.
function deviceOf(req) {
  const parts = [req.get('x-device-id') ?? '', req.get('user-agent') ?? ''];

  return crypto.createHash('sha256').update(parts.join('\n')).digest('hex');
}

function answerTokens(res, family, refreshToken) {
  const accessToken = jwt.sign({ family: family.id, revision: family.revision }, config.secret, {
    subject: family.user,
    expiresIn: config.accessSeconds,
    jwtid: crypto.randomUUID(),
  });

  res.set('Cache-Control', 'no-store').json({
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: config.accessSeconds,
    refresh_token: refreshToken,
    refresh_expires_in: config.refreshSeconds,
  });
}

async function password(req, res) {
  const user = await users.verify(req.body.username, req.body.password);

  if (!user) throw new OAuthError('invalid_grant', 'Wrong username or password.');
  if (!req.get('x-device-id')) throw new OAuthError('invalid_request', 'No X-Device-Id.');
  const family = await families.begin(user, deviceOf(req));
  answerTokens(res, { ...family, user: user.name }, family.token);
}

async function familyOf(token) {
  const id = token.split('.')[0];
  const reason = await families.whyRevoked(id);
  if (reason) throw new OAuthError(reason.code, reason.description);

  const family = await families.find(id);
  if (!family) throw new OAuthError('invalid_grant', 'The refresh token is unknown or over.');
  return family;
}

async function refresh(req, res) {
  const token = String(req.body.refresh_token ?? '');
  const family = await familyOf(token);

  if (deviceOf(req) !== family.device) await alarm.raise(family, 'device_changed');
  if ((await families.countRefresh(family.id)) > config.refreshesMax) {
    await alarm.raise(family, 'too_many_refreshes');
  }
  const next = await families.rotate(family, token);
  if (!next) await alarm.raise(family, 'token_replayed');
  answerTokens(res, family, next);
}

const GRANTS = { password, refresh_token: refresh };

// Which grant it was does not show in the path.
function logGrant(req, res, next) {
  const grant = Object.hasOwn(GRANTS, req.body.grant_type ?? '') ? req.body.grant_type : 'unknown';

  res.on('finish', () => console.log('GRANT', grant, res.statusCode));
  next();
}

function requireForm(req, res, next) {
  if (req.is('application/x-www-form-urlencoded')) return next();
  return next(new OAuthError('invalid_request', 'Send a form.'));
}

const router = Router();
router.post('/token', requireForm, logGrant, wrap(async (req, res) => {
  const grant = Object.hasOwn(GRANTS, req.body.grant_type ?? '') && GRANTS[req.body.grant_type];

  if (req.body.client_id !== CLIENT_ID) {
    throw new OAuthError('invalid_client', 'This client is not known.', 401);
  }
  if (!grant) throw new OAuthError('unsupported_grant_type', 'Use password or refresh_token.');
  await grant(req, res);
}));
router.post('/revoke', requireForm, wrap(async (req, res) => { // RFC 7009
  const family = await families.find(String(req.body.token ?? '').split('.')[0]);

  if (family) await families.revoke(family.id, { code: 'invalid_grant', description: 'Signed out.' });
  res.status(200).end();
}));
router.use(answerOAuthError);

module.exports = router;
