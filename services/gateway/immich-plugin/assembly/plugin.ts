import { Host, Memory } from '@extism/as-pdk';
import { length } from '@extism/as-pdk/lib/env';
import { JSON } from 'json-as';
import { failed } from './abort';
import { httpRequest } from './host';
import { Asset, Body, Call, Options, Outcome } from './messages';

const MOST_WORDS = 300;

export function make3d(): i32 {
  return ask('');
}

export function makeItMove(): i32 {
  return ask('motion');
}

/** Asks the gateway for `kind`, or for the step's own; 0 where it took that, or nothing was to be asked for. */
function ask(kind: string): i32 {
  const call = JSON.parse<Call>(Host.inputString());
  if (kind !== '') call.config.kind = kind;
  const problem = problemOf(call);
  if (problem !== '') return failed(problem);
  Host.outputString('{"workflow":{"continue":true}}');
  return 0;
}

/** What is wrong, in words; empty where nothing is. */
function problemOf(call: Call): string {
  if (!isOurs(call.config.url))
    return 'the address of this step is none of ImmichVR: …/api/webhooks/immich/…';
  if (call.config.secret === '')
    return 'this step has no secret; it is the one that ImmichVR gave Immich for its webhook';
  const asset = JSON.parse<Asset>(call.data.asset.data);
  return isWanted(asset, call.config.filter) ? problemOfPosting(call) : '';
}

function isOurs(url: string): bool {
  const isHttp = url.startsWith('https://') || url.startsWith('http://');
  return isHttp && url.includes('/api/webhooks/immich/');
}

/** Photos alone, and none that its owner keeps out of sight. */
function isWanted(asset: Asset, filter: string): bool {
  const outOfSight = asset.visibility === 'locked' || asset.visibility === 'hidden';
  return asset.type === 'IMAGE' && !outOfSight && (filter !== 'favorites' || asset.isFavorite);
}

function problemOfPosting(call: Call): string {
  const outcome = hostCall(httpRequestOf(call));
  const answer = JSON.parse<Outcome>(outcome).response;
  if (answer === null) return `ImmichVR was not reached: ${outcome.slice(0, MOST_WORDS)}`;
  if (answer.ok) return '';
  const status = answer.status.toString();
  return `ImmichVR answered ${status}: ${answer.body.slice(0, MOST_WORDS)}`;
}

/** The host function's input: Immich's own token, and the arguments of `httpRequest`. */
function httpRequestOf(call: Call): string {
  const body = new Body();
  body.type = call.type;
  body.trigger = call.trigger;
  body.data = call.data;
  body.ask.kind = call.config.kind;
  body.ask.model = call.config.model;
  body.ask.quality = call.config.quality;

  const options = new Options();
  options.headers.set('Content-Type', 'application/json');
  options.headers.set('Authorization', `Bearer ${call.config.secret}`);
  options.body = JSON.stringify(body);

  const token = JSON.stringify(call.workflow.authToken);
  const args = `${JSON.stringify(call.config.url)},${JSON.stringify(options)}`;
  return `{"authToken":${token},"args":[${args}]}`;
}

function hostCall(input: string): string {
  const given = Memory.allocateString(input);
  const place = httpRequest(given.offset);
  given.free();
  const answer = new Memory(place, length(place));
  const text = answer.toString();
  answer.free();
  return text;
}
