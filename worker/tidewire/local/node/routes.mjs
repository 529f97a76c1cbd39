const ROUTES = [
  { prefix: "/rest/v1", part: "api", becomes: "/rest/v1" },
  { prefix: "/auth/v1", part: "api", becomes: "/auth/v1" },
  { prefix: "/realtime/v1/websocket", part: "realtime", becomes: "/socket/websocket" },
  { prefix: "/realtime/v1/api", part: "realtime", becomes: "/api" },
];

/**
 * Finds the part that serves a path, and the path it knows it by. Undefined: no part does.
 *
 * @param {string} url path and query
 * @returns {{part: "api" | "realtime", path: string} | undefined}
 */
export function routeOf(url) {
  for (const { prefix, part, becomes } of ROUTES) {
    const rest = url.slice(prefix.length);
    if (url.startsWith(prefix) && (rest === "" || rest[0] === "/" || rest[0] === "?")) {
      return { part, path: becomes + rest };
    }
  }
  return undefined;
}
