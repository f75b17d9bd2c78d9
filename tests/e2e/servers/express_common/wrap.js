// Express 4 does not wait for what an asynchronous handler throws.
module.exports = (handler) => (req, res, next) => handler(req, res, next).catch(next);
