// Who may sign in. tokenVersion goes up when somebody signs out everywhere: older tokens are over then.
const bcrypt = require('bcryptjs');

const ROUNDS = 8;

function newUser(name, password) {
  return { name, hash: bcrypt.hashSync(password, ROUNDS), tokenVersion: 1, role: 'reader' };
}

const users = new Map(
  [newUser('alice', 'wonderland'), newUser('bob', 'builder')].map((user) => [user.name, user]),
);

function find(name) {
  return users.get(name);
}

function verify(name, password) {
  const user = users.get(name);

  return user && bcrypt.compareSync(String(password), user.hash) ? user : undefined;
}

module.exports = { find, verify };
