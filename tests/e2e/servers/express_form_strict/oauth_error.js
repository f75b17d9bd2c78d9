// RFC 6749 section 5.2.
class OAuthError extends Error {
  constructor(code, description, status = 400) {
    super(description);
    this.code = code;
    this.status = status;
  }
}

// Express tells such a handler from the others by its four parameters.
function answerOAuthError(error, req, res, next) {
  if (!(error instanceof OAuthError)) return next(error);
  return res.status(error.status).json({ error: error.code, error_description: error.message });
}

module.exports = { OAuthError, answerOAuthError };
