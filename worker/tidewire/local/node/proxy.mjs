/**
 * The one port in front of all parts of the embedded Supabase.
 *
 * Environment: TIDEWIRE_PROXY_PORT, TIDEWIRE_API_PORT, TIDEWIRE_REALTIME_PORT, and the keys:
 * TIDEWIRE_PUBLISHABLE_KEY, TIDEWIRE_SECRET_KEY, TIDEWIRE_ANON_KEY, TIDEWIRE_SERVICE_ROLE_KEY.
 */
import http from "node:http";

import { createProxyServer } from "http-proxy-3";

import { required } from "./environment.mjs";
import { currentKeys } from "./keys.mjs";
import { routeOf } from "./routes.mjs";

// Shorter than the parts keep an idle connection (the shortest is 5 s).
const IDLE_CONNECTION_MS = 4_000;
const EXPOSED = [
  "content-range",
  "content-location",
  "content-profile",
  "preference-applied",
  "x-supabase-api-version",
  "sb-error-code",
].join(", ");

const parts = {
  api: partAt(required("TIDEWIRE_API_PORT")),
  realtime: partAt(required("TIDEWIRE_REALTIME_PORT")),
};
const replaceKeys = currentKeys(
  new Map([
    [required("TIDEWIRE_ANON_KEY"), required("TIDEWIRE_PUBLISHABLE_KEY")],
    [required("TIDEWIRE_SERVICE_ROLE_KEY"), required("TIDEWIRE_SECRET_KEY")],
  ]),
);

const proxy = createProxyServer({ xfwd: true, changeOrigin: false });
// A client that vanishes in mid-stream is no error; without a listener the library throws it.
proxy.on("error", (_error, _request, target) => target?.destroy?.());
proxy.on("proxyRes", (answer) => {
  for (const name of Object.keys(answer.headers)) {
    if (name.startsWith("access-control-")) delete answer.headers[name];
  }
});

const server = http.createServer((request, response) => {
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("access-control-expose-headers", EXPOSED);
  if (request.url === "/health") return answer(response, 200, { status: "ok" });
  if (request.method === "OPTIONS") return preflight(request, response);
  const route = routeOf(request.url);
  if (!route) return answer(response, 404, { message: "no Route matched with those values" });
  request.url = route.path;
  replaceKeys(request);
  proxy.web(request, response, parts[route.part], () => {
    if (response.headersSent) return response.destroy();
    answer(response, 503, unavailable(route.part));
  });
});

server.on("upgrade", (request, socket, head) => {
  const route = routeOf(request.url);
  socket.on("error", () => socket.destroy());
  if (route?.part !== "realtime") return refuse(socket, "404 Not Found", { message: "no Route" });
  socket.setNoDelay(true);
  request.url = route.path;
  replaceKeys(request);
  proxy.ws(request, socket, head, parts.realtime, () => {
    refuse(socket, "503 Service Unavailable", unavailable("realtime"));
  });
});

server.keepAliveTimeout = 60_000;
server.requestTimeout = 0;
server.listen(Number(required("TIDEWIRE_PROXY_PORT")), "127.0.0.1", () => console.log("proxy is ready"));

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(0));

function partAt(port) {
  const agent = new http.Agent({ keepAlive: true, noDelay: true, timeout: IDLE_CONNECTION_MS });
  return { target: { host: "127.0.0.1", port: Number(port), protocol: "http:" }, agent };
}

function unavailable(part) {
  return { message: `${part} is not running`, code: "503", hint: "Try again in a moment." };
}

function answer(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function preflight(request, response) {
  response.writeHead(204, {
    "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "access-control-allow-headers": request.headers["access-control-request-headers"] ?? "*",
    "access-control-max-age": "86400",
  });
  response.end();
}

function refuse(socket, status, body) {
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}
