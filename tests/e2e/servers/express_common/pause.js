// Takes its time, as a database under load does: answers overtake one another.
const LONGEST_MS = Number(process.env.SLOW_MS ?? 300);

module.exports = (req, res, next) => setTimeout(next, Math.random() * LONGEST_MS);
