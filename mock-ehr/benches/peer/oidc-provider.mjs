// npm `oidc-provider` as it comes, with one confidential client, and refresh tokens made at the start: the other side of the
// comparison. `node oidc-provider.mjs PORT COUNT FILE` writes COUNT refresh tokens to FILE, then prints `ready`.
import { createRequire } from 'node:module';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const peers = createRequire(new URL('../../../.peers/npm/package.json', import.meta.url));
const { default: Provider } = await import(pathToFileURL(peers.resolve('oidc-provider')));
const [port, count, file] = process.argv.slice(2);

// The adapter that comes with it keeps the last thousand records; this one keeps all, at no more cost.
const records = new Map();
class Adapter {
  constructor(name) { this.name = name; }
  async upsert(id, payload) { records.set(`${this.name}:${id}`, payload); }
  async find(id) { return records.get(`${this.name}:${id}`); }
  async consume(id) { records.get(`${this.name}:${id}`).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { records.delete(`${this.name}:${id}`); }
  async revokeByGrantId() {}
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Adapter,
  clients: [{
    client_id: 'bench',
    client_secret: 'test-only-another-secret',
    token_endpoint_auth_method: 'client_secret_post',
    redirect_uris: ['http://127.0.0.1:4567/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid offline_access',
  }],
  // Rotation, as the mock does it: each use gives a new one.
  rotateRefreshToken: true,
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  cookies: { keys: ['test-only-cookie-key'] },
  jwks: { keys: [{ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] },
  features: { devInteractions: { enabled: false } },
});

const client = await provider.Client.find('bench');
const tokens = [];
for (let number = 0; number < Number(count); number += 1) {
  const grant = new provider.Grant({ clientId: 'bench', accountId: 'demo' });
  grant.addOIDCScope('offline_access');
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    client, accountId: 'demo', grantId, gty: 'authorization_code', scope: 'offline_access', authTime: Math.floor(Date.now() / 1000), rotations: 0,
    expiresWithSession: false,
  });
  tokens.push(await token.save());
}
writeFileSync(file, `${tokens.join('\n')}\n`);
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
