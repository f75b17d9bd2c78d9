// The process's environment, as these back-ends are configured.
function secret(name) {
  const value = process.env[name];

  if (!value) throw new Error(`${name} is not set`);
  return value;
}

// "900", or "900s".
function seconds(name, otherwise) {
  return Number.parseInt(process.env[name] ?? otherwise, 10);
}

module.exports = { secret, seconds };
