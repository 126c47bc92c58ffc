// Walks a standalone launch at a peer by hand, without any code of the suite, so that we know that the server and its
// glue are in order before the suite judges it.
//
//   node check_flow.mjs ../../../fixtures/targets/oidc-provider.toml [app_3 …]      all clients when none is named
//
// One line a client; exit code 1 when a correct launch was refused anywhere.
import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const [profileFile, ...only] = process.argv.slice(2);
const profile = JSON.parse(execFileSync('python3', ['-c',
  'import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], "rb"))))', profileFile], { encoding: 'utf8' }));
const trace = process.env.TRACE ? (...line) => console.error(...line) : () => {};
const random = () => randomBytes(32).toString('base64url');
const text = (html) => html.replace(/<[^>]*>/g, '').replace(/\s+/g, ' ').trim();
const unescape = (s) => s.replace(/&#(\d+);/g, (_, n) => String.fromCharCode(n)).replace(/&#x([0-9a-f]+);/gi, (_, n) => String.fromCharCode(parseInt(n, 16)))
  .replace(/&quot;/g, '"').replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
const attributes = (tag) => Object.fromEntries([...tag.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)]
  .slice(1).map((m) => [m[1].toLowerCase(), unescape(m[2] ?? m[3] ?? m[4] ?? '')]));

/** A browser in forty lines: cookies, redirects, and forms by regular expression. */
class Agent {
  cookies = new Map();

  async fetch(url, init = {}) {
    const cookie = [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
    const res = await fetch(url, { ...init, redirect: 'manual', headers: { ...init.headers, ...(cookie && { cookie }) } });
    for (const line of res.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value === '' || /expires=thu, 01.jan.1970|max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    trace(init.method ?? 'GET', url, res.status, res.headers.get('location') ?? '');
    return res;
  }

  /** Goes on until an address of the client; gives that address. */
  async authorize(url, redirectUri, user) {
    let next = { url };
    for (let hop = 0; hop < 15; hop += 1) {
      const res = await this.fetch(next.url, next.init);
      const location = res.headers.get('location');
      if (location) {
        const target = new URL(location, next.url).href;
        if (target.startsWith(redirectUri)) return new URL(target);
        next = { url: target };
        continue;
      }
      next = this.form(await res.text(), next.url, user, res.status);
    }
    throw new Error('no end of pages');
  }

  form(html, base, user, status) {
    const forms = [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)];
    const found = forms.find((f) => /type=["']?password/i.test(f[2])) ?? forms.find((f) => /<(button|input)[^>]*submit/i.test(f[2])) ?? forms[0];
    if (!found) throw new Error(`${status} and no form at ${base}: ${text(html.replace(/<(style|script)[\s\S]*?<\/\1>/g, '')).slice(0, 300)}`);
    const { action, method = 'get' } = attributes(`form ${found[1]}`);
    const fields = new URLSearchParams();
    let pressed = false;
    for (const [tag] of found[2].matchAll(/<(?:input|button)\b[^>]*>/gi)) {
      const a = attributes(tag);
      const type = (a.type ?? (/^<button/i.test(tag) ? 'submit' : 'text')).toLowerCase();
      if (!a.name || type === 'button') continue;
      if (type === 'password') fields.append(a.name, user.password.test_only);
      else if (type === 'text' || type === 'email') fields.append(a.name, user.username);
      else if (type === 'submit') {
        if (!pressed && !/cancel|deny|no\b/i.test(`${a.name} ${a.value}`)) { fields.append(a.name, a.value ?? ''); pressed = true; }
      } else if (type !== 'checkbox' || 'checked' in a) fields.append(a.name, a.value ?? '');
    }
    const url = new URL(action || base, base);
    trace('form', url.href, [...fields.keys()].join(','));
    if (method.toLowerCase() === 'get') { url.search = fields; return { url: url.href }; }
    return { url: url.href, init: { method: 'POST', body: fields, headers: { origin: url.origin, referer: base } } };
  }
}

function assertion(client, tokenUrl) {
  const jwk = JSON.parse(readFileSync(path.resolve(path.dirname(profileFile), client.key.file), 'utf8'));
  const now = Math.floor(Date.now() / 1000);
  const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
  const input = `${part({ alg: jwk.alg, kid: jwk.kid, typ: 'JWT' })}.${part({
    iss: client.client_id, sub: client.client_id, aud: profile.adapt?.assertion_aud ?? tokenUrl, iat: now, exp: now + 60, jti: random(),
  })}`;
  const signature = sign('sha384', Buffer.from(input), { key: createPrivateKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

async function token(client, tokenUrl, form) {
  const headers = {};
  const body = new URLSearchParams(form);
  const encode = (s) => encodeURIComponent(s).replace(/%20/g, '+');
  if (client.kind === 'public' || profile.adapt?.send_client_id) body.set('client_id', client.client_id);
  if (client.kind === 'symmetric' && client.auth === 'basic') {
    headers.authorization = `Basic ${Buffer.from(`${encode(client.client_id)}:${encode(client.client_secret.test_only)}`).toString('base64')}`;
  } else if (client.kind === 'symmetric') {
    body.set('client_id', client.client_id);
    body.set('client_secret', client.client_secret.test_only);
  } else if (client.kind === 'asymmetric') {
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    body.set('client_assertion', assertion(client, tokenUrl));
  }
  const res = await fetch(tokenUrl, { method: 'POST', body, headers });
  const answer = await res.text();
  trace('POST', tokenUrl, res.status, JSON.stringify(Object.fromEntries(res.headers)), answer);
  if (res.status !== 200) throw new Error(`${form.grant_type}: ${res.status} ${answer.slice(0, 300)}`);
  return JSON.parse(answer);
}

async function launch(client, smart, user) {
  const state = random();
  const verifier = random();
  const [redirectUri] = client.redirect_uris;
  const query = new URLSearchParams({
    response_type: 'code', client_id: client.client_id, redirect_uri: redirectUri, scope: client.scopes, state,
    aud: profile.fhir_base, nonce: random(), code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), ...profile.adapt?.authorize,
  });
  const back = await new Agent().authorize(`${smart.authorization_endpoint}?${query}`, redirectUri, user);
  if (back.searchParams.get('state') !== state || !back.searchParams.get('code')) throw new Error(`callback ${back.href}`);
  const exchange = { grant_type: 'authorization_code', code: back.searchParams.get('code'), redirect_uri: redirectUri, code_verifier: verifier };
  const first = await token(client, smart.token_endpoint, exchange);
  const seen = [`callback{${[...back.searchParams.keys()]}}`, `token{${Object.keys(first)}}`, `scope="${first.scope}"`];
  if (first.patient !== profile.patients.a) throw new Error(`patient is ${first.patient}; ${seen.join(' ')}`);
  const statuses = [];
  for (const [bearer, id] of [[first.access_token, profile.patients.a], [first.access_token, profile.patients.b], ['wrong', profile.patients.a]]) {
    statuses.push((await fetch(`${profile.fhir_base}/Patient/${id}`, { headers: { authorization: `Bearer ${bearer}` } })).status);
  }
  if (String(statuses) !== '200,403,401') throw new Error(`FHIR answered ${statuses}`);
  if (first.refresh_token) {
    const second = await token(client, smart.token_endpoint, { grant_type: 'refresh_token', refresh_token: first.refresh_token });
    seen.push(`refreshed{${Object.keys(second)}}`);
  } else seen.push('no refresh token');
  return seen.join(' ');
}

const smart = await (await fetch(`${profile.fhir_base}/.well-known/smart-configuration`)).json();
const [user] = Object.values(profile.users);
let failed = 0;
for (const [name, client] of Object.entries(profile.clients)) {
  if (client.jwks_uri) { console.log(`skip ${name} ${client.client_id}: launchproof alone answers at its jwks_uri`); continue; }
  if (only.length && !only.includes(name)) continue;
  try {
    console.log(`ok   ${name} ${client.client_id}: ${await launch(client, smart, user)}`);
  } catch (error) {
    failed = 1;
    console.log(`FAIL ${name} ${client.client_id}: ${error.message}`);
  }
}
process.exit(failed);
