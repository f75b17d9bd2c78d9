const environment = require('../express_common/environment');

module.exports = {
  secret: environment.secret('JWT_SECRET'),
  accessSeconds: environment.seconds('ACCESS_TTL', 10 * 60),
  refreshSeconds: environment.seconds('REFRESH_TTL', 24 * 60 * 60),
  refreshesMax: Number(process.env.REFRESHES_MAX ?? 10),
  windowSeconds: environment.seconds('REFRESHES_WINDOW', 60 * 60),
  redis: process.env.REDIS_SOCKET ? { path: process.env.REDIS_SOCKET } : { port: 6379 },
};
