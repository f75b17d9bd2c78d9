const crypto = require('node:crypto');

module.exports = {
  secret: process.env.JWT_SECRET ?? crypto.randomBytes(32).toString('hex'),
  accessSeconds: Number(process.env.ACCESS_TTL ?? 10 * 60),
  refreshSeconds: Number(process.env.REFRESH_TTL ?? 24 * 60 * 60),
  refreshesMax: Number(process.env.REFRESHES_MAX ?? 10),
  windowSeconds: Number(process.env.REFRESHES_WINDOW ?? 60 * 60),
  redisUrl: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
};
