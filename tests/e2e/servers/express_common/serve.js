// What these back-ends have in common: how they read bodies, a line per request, users, an end for failures.
const express = require('express');
const { requestLog } = require('../common/request-log');
const users = require('./users');
const wrap = require('./wrap');

async function signUp(req, res) {
  const { username, password } = req.body;

  if (typeof username !== 'string' || typeof password !== 'string') {
    return res.status(400).json({ message: 'Send username and password.' });
  }
  if (!(await users.add(username, password))) {
    return res.status(409).json({ message: 'There is such a user.' });
  }
  return res.status(201).json({ username });
}

function newApp() {
  const app = express();

  app.disable('x-powered-by');
  app.use(requestLog);
  app.use(express.json());
  app.use(express.urlencoded({ extended: false }));
  app.post('/users', wrap(signUp));
  return app;
}

// Express tells such a handler from the others by its four parameters.
function answerFailure(error, req, res, next) {
  console.error(error);
  res.status(error.status ?? 500).json({ message: error.expose ? error.message : 'Internal error' });
}

async function serve(app) {
  app.use((req, res) => res.status(404).json({ message: 'Not found' }));
  app.use(answerFailure);
  await users.prepare();
  const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}`);
  });
}

module.exports = { newApp, serve };
