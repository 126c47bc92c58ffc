// What every app here needs around it: the libraries as `./install` left them, and a user at the EHR's pages.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const installed = createRequire(new URL('../../../.peers/clients/package.json', import.meta.url));
export const library = (name) => import(pathToFileURL(installed.resolve(name)).href);

/** The FHIR base, the only thing that an app is told. */
export const [fhirBase] = process.argv.slice(2);
/** Registered for every built-in client. Nothing listens there: the user below stops at its address. */
export const REDIRECT_URI = 'http://127.0.0.1:4567/callback';
export const SCOPES = 'launch/patient openid fhirUser offline_access patient/Patient.rs patient/Observation.rs';

/** The one line that the test reads. */
export const tell = (facts) => console.log(JSON.stringify(facts));
export const nameOf = (patient) => `${patient.name[0].given[0]} ${patient.name[0].family}`;

const character = (number) => String.fromCodePoint(number);
const unescape = (text) => text
  .replace(/&#(\d+);/g, (_, digits) => character(parseInt(digits, 10)))
  .replace(/&#x([0-9a-f]+);/gi, (_, digits) => character(parseInt(digits, 16)))
  .replace(/&quot;/g, '"').replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
const attribute = (tag, name) => unescape(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
const words = (page) => page.replace(/<style[\s\S]*?<\/style>|<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim();

/** The one form of a page, filled in: demo signs in, chooses Benno, allows everything. */
function filled(page) {
  const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/.exec(page);
  if (!form) return undefined;
  const body = new URLSearchParams();
  for (const [tag] of form[2].matchAll(/<(?:input|button)\b[^>]*>/g)) {
    const [name, value, type] = ['name', 'value', 'type'].map((wanted) => attribute(tag, wanted));
    if (name === 'username' || name === 'password') body.append(name, 'demo');
    else if (type === 'radio' ? value === 'patient-b' : name && value !== 'deny') body.append(name, value);
  }
  return { action: attribute(form[1], 'action'), body };
}

/** Goes through the pages. Gives the address of the app at which that ends. */
export async function approve(address) {
  const cookies = new Map();
  let [url, init] = [String(address), {}];
  for (let hop = 0; hop < 15; hop += 1) {
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    const answer = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    if (location) {
      [url, init] = [new URL(location, url).href, {}];
      if (url.startsWith(REDIRECT_URI)) return new URL(url);
      continue;
    }
    const page = await answer.text();
    const form = answer.ok && filled(page);
    if (!form) throw new Error(`${answer.status} at ${url} and no form to fill in: ${words(page)}`);
    [url, init] = [new URL(form.action, url).href, { method: 'POST', body: form.body }];
  }
  throw new Error('the pages go round in circles');
}

/** What the EHR answers to an app that asks in this altered way. */
export async function refusal(address, parameter, value) {
  const altered = new URL(address);
  altered.searchParams.set(parameter, value);
  const { searchParams: back } = await approve(altered);
  return back.has('code') ? 'a code was given' : `${back.get('error')}: ${back.get('error_description')}`;
}
