// A family is what one sign-in led to: its device, the only refresh token that is good now, how often it
// was renewed. All of it lives in redis, so that each instance of this server knows.
const crypto = require('node:crypto');
const { createClient } = require('redis');
const config = require('./config');

const redis = createClient({ socket: config.redis });
redis.on('error', (error) => console.error('redis', error.message));

const key = (id) => `family:${id}`;
const revokedKey = (id) => `revoked:${id}`;
const countKey = (id) => `refreshes:${id}`;
const newToken = (id) => `${id}.${crypto.randomBytes(32).toString('base64url')}`;
const hashOf = (token) => crypto.createHash('sha256').update(token).digest('hex');

// Compares and replaces in one step: of two that come with one token the second has used it twice.
const ROTATE = `
  if redis.call('HGET', KEYS[1], 'current') ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'current', ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  return 1`;

async function begin(user, device) {
  const id = crypto.randomUUID();
  const token = newToken(id);

  await redis.hSet(key(id), { user: user.name, device, current: hashOf(token), revision: 0 });
  await redis.expire(key(id), config.refreshSeconds);
  return { id, token, revision: 0 };
}

async function find(id) {
  const fields = await redis.hGetAll(key(id));

  if (!fields.user) return undefined;
  return { id, ...fields, revision: Number(fields.revision) };
}

// The next refresh token, or undefined where this one is not the newest.
async function rotate(family, token) {
  const next = newToken(family.id);
  const done = await redis.eval(ROTATE, {
    keys: [key(family.id)],
    arguments: [hashOf(token), hashOf(next), String(config.refreshSeconds)],
  });

  return done === 1 ? next : undefined;
}

async function countRefresh(id) {
  const count = await redis.incr(countKey(id));

  if (count === 1) await redis.expire(countKey(id), config.windowSeconds);
  return count;
}

// The reason is kept: thief and owner both hear it, whoever comes first.
async function revoke(id, reason) {
  await redis.set(revokedKey(id), JSON.stringify(reason), { EX: config.refreshSeconds });
  await redis.del(key(id));
}

async function whyRevoked(id) {
  const reason = await redis.get(revokedKey(id));

  return reason === null ? undefined : JSON.parse(reason);
}

// Access tokens that were issued so far are over; the refresh token is not.
async function endAccessTokens(id) {
  await redis.hIncrBy(key(id), 'revision', 1);
}

const connect = () => redis.connect();

module.exports = {
  connect,
  begin,
  find,
  rotate,
  countRefresh,
  revoke,
  whyRevoked,
  endAccessTokens,
};
