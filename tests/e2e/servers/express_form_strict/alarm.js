// What a security team wants to hear of. It ends the sign-in, for thief and owner alike.
const families = require('./families');
const { OAuthError } = require('./oauth_error');

const ALARMS = {
  device_changed: 'The device has changed: sign in again.',
  too_many_refreshes: 'Too many refreshes in an hour: sign in again.',
  token_replayed: 'A spent refresh token came back: sign in again.',
};

async function raise(family, code) {
  console.log(`ALARM ${code}`);
  await families.revoke(family.id, { code, description: ALARMS[code] });
  throw new OAuthError(code, ALARMS[code]);
}

module.exports = { raise };
