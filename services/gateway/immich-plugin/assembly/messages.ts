import { JSON } from 'json-as';

/** How a step is set up, by the manifest's schema. */
@json
export class Config {
  url: string = '';
  secret: string = '';
  kind: string = 'splat';
  model: string = 'auto';
  quality: string = 'full';
  filter: string = 'all';
}

@json
export class Workflow {
  authToken: string = '';
}

@json
export class Data {
  asset: JSON.Raw = new JSON.Raw('{}');
}

/** What Immich gives a step. */
@json
export class Call {
  trigger: string = '';
  type: string = '';
  config: Config = new Config();
  workflow: Workflow = new Workflow();
  data: Data = new Data();
}

@json
export class Asset {
  type: string = '';
  visibility: string = '';
  isFavorite: bool = false;
}

@json
export class Ask {
  kind: string = '';
  model: string = '';
  quality: string = '';
}

/** What the gateway is sent: as by Immich's own webhook, and what is asked for. */
@json
export class Body {
  type: string = '';
  trigger: string = '';
  data: Data = new Data();
  ask: Ask = new Ask();
}

@json
export class Options {
  method: string = 'POST';
  headers: Map<string, string> = new Map<string, string>();
  body: string = '';
}

@json
export class Answer {
  ok: bool = false;
  status: i32 = 0;
  body: string = '';
}

/** What became of a call of the host; it has a response where it succeeded. */
@json
export class Outcome {
  response: Answer | null = null;
}
