import { Host, LogLevel, Memory } from '@extism/as-pdk';
import { error_set } from '@extism/as-pdk/lib/env';

/** Ends the step with words that Immich's log shows. */
export function failed(message: string): i32 {
  Host.log(LogLevel.Error, message);
  error_set(Memory.allocateString(message).offset);
  return 1;
}

/** What AssemblyScript calls where it cannot go on: on input that is no JSON. */
export function onAbort(
  message: string | null,
  _file: string | null,
  _line: u32,
  _column: u32,
): void {
  failed(message === null ? 'the step was given what it cannot read' : message);
}
