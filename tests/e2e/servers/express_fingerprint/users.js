const { randomBytes } = require('node:crypto');
const bcrypt = require('bcryptjs');
const { openDatabase } = require('../common/database');

const ROUNDS = 10;
const database = openDatabase();

async function first(query, values) {
  const [rows] = await database.execute(query, values);
  return rows[0];
}

async function createTable() {
  await database.execute(`CREATE TABLE IF NOT EXISTS users (
    id INT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(64) NOT NULL UNIQUE,
    hash VARCHAR(60) NOT NULL,
    version CHAR(32) NOT NULL)`);
}

const newVersion = () => randomBytes(16).toString('hex');

// false: the name is taken.
async function create(name, password) {
  const [result] = await database.execute(
    'INSERT IGNORE INTO users (name, hash, version) VALUES (?, ?, ?)',
    [name, await bcrypt.hash(password, ROUNDS), newVersion()],
  );
  return result.affectedRows === 1;
}

const find = (id) => first('SELECT id, name, version FROM users WHERE id = ?', [id]);

async function authenticate(name, password) {
  const user = await first('SELECT * FROM users WHERE name = ?', [String(name)]);
  return user && (await bcrypt.compare(String(password), user.hash)) ? user : undefined;
}

// A version that takes the place of any.
async function startVersion(id) {
  const next = newVersion();
  await database.execute('UPDATE users SET version = ? WHERE id = ?', [next, id]);
  return next;
}

// The version that takes the place of this one; undefined where another one has done so.
async function renewVersion(id, version) {
  const next = newVersion();
  const [result] = await database.execute(
    'UPDATE users SET version = ? WHERE id = ? AND version = ?',
    [next, id, version],
  );
  return result.affectedRows === 1 ? next : undefined;
}

module.exports = { createTable, create, find, authenticate, startVersion, renewVersion };
