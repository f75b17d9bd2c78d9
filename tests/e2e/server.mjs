// A real authorization server, with an API behind it:  node server.mjs
// Prints "ready ISSUER" when it is, and ends with its standard input. Everything is in memory.
import crypto from 'node:crypto';
import http from 'node:http';
import Provider from 'oidc-provider';
import { serveApi } from './api.mjs';
import { clients, accessTokenSeconds } from './clients.mjs';

const LIFE_MS = 10 * 60 * 1000; // should whoever holds the other end forget
const JWT_RESOURCE = 'https://api.example.test/';

function signingKey(type, options, alg) {
  const { privateKey } = crypto.generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), alg, kid: alg, use: 'sig' };
}

function configuration() {
  return {
    clients,
    jwks: {
      keys: [
        signingKey('rsa', { modulusLength: 2048 }, 'RS256'),
        signingKey('ec', { namedCurve: 'P-256' }, 'ES256'),
      ],
    },
    cookies: { keys: [crypto.randomBytes(16).toString('hex')] },
    clockTolerance: 0, // else a token of 3 s lives 18 s
    claims: { openid: ['sub'], profile: ['name'] },
    conformIdTokenClaims: false, // the name stands in the id_token too
    findAccount: (ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `User ${id}` }),
    }),
    // Whoever may use refresh tokens gets one. Each works once: when a spent one comes again,
    // the server ends the whole grant.
    issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    ttl: {
      AccessToken: (ctx, token, client) => accessTokenSeconds(client),
      ClientCredentials: (ctx, token, client) => accessTokenSeconds(client),
      AuthorizationCode: 60,
      DeviceCode: 120,
      Grant: 3600,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 3600,
      Session: 3600,
    },
    features: {
      devInteractions: { enabled: true }, // its own pages for login and consent
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource, client) => {
          if (resource !== JWT_RESOURCE) throw new Error('unknown resource');
          return {
            audience: resource,
            scope: 'api:read api:write',
            accessTokenTTL: accessTokenSeconds(client),
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
  };
}

// The issuer's name has the port, so the port comes first.
const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration());

  provider.on('server_error', (ctx, error) => console.error('server_error', error));
  serveApi(provider);
  server.on('request', provider.callback());
  console.log(`ready ${issuer}`);
});

process.stdin.on('end', () => process.exit(0)).resume();
setTimeout(() => process.exit(1), LIFE_MS);
