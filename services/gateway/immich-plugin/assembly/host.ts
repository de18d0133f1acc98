// Immich's host functions for plugins, as far as they are used. Each takes and gives the place of JSON in memory.

// @ts-ignore: decorator
@external("extism:host/user", "httpRequest")
export declare function httpRequest(call: u64): u64;
