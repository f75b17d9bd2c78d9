// Who may sign in. token_version goes up when somebody signs out everywhere: older tokens are over then.
const bcrypt = require('bcryptjs');
const { openDatabase } = require('../common/database');

const ROUNDS = 8;
const database = openDatabase();

async function prepare() {
  await database.execute(`CREATE TABLE IF NOT EXISTS users (
    name VARCHAR(64) PRIMARY KEY,
    password_hash VARCHAR(100) NOT NULL,
    token_version INT NOT NULL DEFAULT 1,
    role VARCHAR(32) NOT NULL DEFAULT 'reader')`);
}

// false: there is one of that name.
async function add(name, password) {
  const hash = await bcrypt.hash(password, ROUNDS);
  const [result] = await database.execute(
    'INSERT IGNORE INTO users (name, password_hash) VALUES (?, ?)', [name, hash]);

  return result.affectedRows === 1;
}

async function find(name) {
  const [rows] = await database.execute('SELECT * FROM users WHERE name = ?', [name]);

  return rows[0];
}

async function verify(name, password) {
  const user = await find(String(name));

  return user && (await bcrypt.compare(String(password), user.password_hash)) ? user : undefined;
}

async function signOutEverywhere(name) {
  await database.execute('UPDATE users SET token_version = token_version + 1 WHERE name = ?', [name]);
}

async function setRole(name, role) {
  await database.execute('UPDATE users SET role = ? WHERE name = ?', [role, name]);
}

module.exports = { prepare, add, find, verify, signOutEverywhere, setRole };
