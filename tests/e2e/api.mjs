// What is served beside the authorization server: an API that takes its tokens, and how often each
// path was asked for, by whom (GET /requests?agent=USER-AGENT).
async function liveToken(provider, ctx) {
  const [, value] = /^Bearer (.+)$/.exec(ctx.get('authorization')) ?? [];
  if (!value) return undefined;
  const token = (await provider.AccessToken.find(value))
    ?? (await provider.ClientCredentials.find(value));
  return token && !token.isExpired ? token : undefined;
}

async function hello(provider, ctx) {
  const token = await liveToken(provider, ctx);

  if (!token) {
    ctx.status = 401;
    ctx.set('WWW-Authenticate', 'Bearer error="invalid_token"');
    return;
  }
  ctx.body = { hello: token.accountId ?? token.clientId };
}

export function serveApi(provider) {
  const requests = {}; // by user agent, by path

  provider.use(async (ctx, next) => {
    if (ctx.path === '/requests') {
      ctx.body = requests[ctx.query.agent] ?? {};
      return;
    }
    const theirs = (requests[ctx.get('user-agent')] ??= {});
    theirs[ctx.path] = (theirs[ctx.path] ?? 0) + 1;
    if (ctx.path === '/api/hello') await hello(provider, ctx);
    else await next();
  });
}
