// The version that a user's refresh token must have: there is one at a time.
const { randomBytes } = require('node:crypto');
const { openDatabase } = require('../common/database');

const database = openDatabase();

async function prepare() {
  await database.execute(`CREATE TABLE IF NOT EXISTS token_versions (
    name VARCHAR(64) PRIMARY KEY,
    version CHAR(32) NOT NULL)`);
}

const newVersion = () => randomBytes(16).toString('hex');

// A version that takes the place of any.
async function start(name) {
  const version = newVersion();
  await database.execute('REPLACE INTO token_versions (name, version) VALUES (?, ?)', [name, version]);
  return version;
}

// The version that takes the place of this one; undefined where another one has done so.
async function renew(name, version) {
  const next = newVersion();
  const [result] = await database.execute(
    'UPDATE token_versions SET version = ? WHERE name = ? AND version = ?', [next, name, version]);

  return result.affectedRows === 1 ? next : undefined;
}

module.exports = { prepare, start, renew };
